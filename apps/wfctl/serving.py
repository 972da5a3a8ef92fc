"""A document being served: compiled, listening, reloaded when its file changes, and closed in order."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
from rich.console import Console as Terminal

from apps.engine.application import Application
from apps.engine.check import CheckOptions
from apps.engine.document import Document
from apps.engine.local.host import LocalHost
from apps.engine.registry import Registry
from apps.wfctl.address import Address, BadAddress, address_of
from apps.wfctl.console import Console
from apps.wfctl.logs import logging_without
from apps.wfctl.narrator import Narrator
from apps.wfctl.reading import Examined, Unreadable, compiled, examine, missing_secrets, registry, secrets_set
from apps.wfctl.report import print_report
from apps.wfctl.watching import changes

BACKLOG = 2048
GRACE_SECONDS = 5
SHOWN = ("section", "trigger")  # not what the product answers by itself


class CannotServe(Exception):
    """The document cannot run, or its address is taken."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the command line asked for."""

    file: Path
    address: Address | None
    store: str
    is_reloading: bool
    has_console: bool
    allow_placeholders: bool = False


class _Server(uvicorn.Server):
    """Stops in order when told to, and then is done: uvicorn's own way ends the process by the signal.

    `announce` is called once it listens to being told: whoever reads it may send the signal at once.
    """

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen for Ctrl-C and SIGTERM while serving."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        try:
            self._announce()
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


async def serve(wanted: Served, terminal: Terminal) -> None:
    """Serve until interrupted; raise `CannotServe` and `Unreadable` before anything is served."""
    types = registry()
    examined, application = _compiled(wanted, types)
    if application is None:
        print_report(examined, terminal)
        raise CannotServe(f"{examined.name} cannot be served; mend what is listed above.")
    listening = _listen(_address(wanted, application.document))
    host = LocalHost(wanted.store, folder=wanted.file.resolve().parent)
    session = _Session(wanted, types, host, Narrator(terminal, host.known))
    try:
        with logging_without(host.known):
            await session.serve(application, examined.content, listening)
    finally:
        await host.close()
        listening.close()


class _Session:
    """Everything that goes on between the first request and the last."""

    def __init__(self, wanted: Served, types: Registry, host: LocalHost, narrator: Narrator) -> None:
        self._wanted, self._types, self._host, self._narrator = wanted, types, host, narrator
        self._stop = asyncio.Event()

    async def serve(self, application: Application, content: bytes, listening: socket.socket) -> None:
        """Serve an application, compiled from `content`."""
        self._deploy(application)
        self._host.start()
        tasks = [asyncio.create_task(self._narrator.runs(self._host))]
        if self._wanted.is_reloading:
            tasks.append(asyncio.create_task(self._reload(content)))
        try:
            await self._server(partial(_announce, self._narrator, application, self._types, listening)).serve(
                sockets=[listening]
            )
        finally:
            self._stop.set()
            self._narrator.look(self._host)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._narrator.say("stopped")

    def _deploy(self, application: Application) -> None:
        """Serve it, knowing what not to show: rows of an earlier process may hold what this one has not used yet."""
        self._host.known.learn(secrets_set(application.document))
        self._host.deploy(application)

    def _server(self, announce: Callable[[], None]) -> _Server:
        served = self._host.asgi()
        config = uvicorn.Config(
            self._narrator.requests(Console(served, self._host) if self._wanted.has_console else served),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        return _Server(config, announce)

    async def _reload(self, content: bytes) -> None:
        async for _ in changes(self._wanted.file, content, self._stop):
            with contextlib.suppress(Unreadable):
                self._deploy_again()

    def _deploy_again(self) -> None:
        examined, application = _compiled(self._wanted, self._types)
        if application is None:
            print_report(examined, self._narrator.terminal)
            self._narrator.say(("not reloaded", "bold red"), ": what was served before goes on")
        else:
            self._deploy(application)
            self._narrator.say(("reloaded", "green"), f" {examined.name} ({application.sha256[:12]})")


def _compiled(wanted: Served, types: Registry) -> tuple[Examined, Application | None]:
    allowed = wanted.allow_placeholders
    examined = examine(wanted.file, types, CheckOptions(files=True, allow_placeholders=allowed))
    return compiled(examined, wanted.file, types, allow_placeholders=allowed)


def _address(wanted: Served, document: Document) -> Address:
    if wanted.address is not None:
        return wanted.address
    try:
        return address_of(document)
    except BadAddress as error:
        raise CannotServe(f"{error} Give another with --address.") from None


def _listen(address: Address) -> socket.socket:
    """Take the address now, so that a taken one is said before anything else happens."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(found[0], socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(found[4])
        listening.listen(BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotServe(f"cannot listen on {address}: {reason}. Give another with --address.") from None
    return listening


def _announce(narrator: Narrator, application: Application, types: Registry, listening: socket.socket) -> None:
    name = listening.getsockname()
    narrator.say("serving ", (Address(name[0], name[1]).url, "bold"), " (Ctrl-C stops)")
    for route in application.routes.routes:
        if route.source in SHOWN:
            narrator.say((f"  {route.name} -> {route.handler}", "dim"))
    for subscription in application.subscriptions:
        narrator.say((f"  {subscription.topic} -> {subscription.handler}", "dim"))
    for schedule in application.schedules:
        what = f"{schedule.workflow} {schedule.action}".strip()
        narrator.say((f"  {schedule.timetable.text} -> {what}", "dim"))
    left_out = [finding for finding in application.findings if finding.code == "file.left_out"]
    for finding in (*left_out, *missing_secrets(application.document, types)):
        narrator.say(("warning", "yellow"), f" {finding.message} ({finding.path})")
