"""Documents being served: listening, reloaded when their files change, and closed in order."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn
from rich.console import Console as Terminal

from apps.engine.asgi import Receive, Scope, Send
from apps.engine.local.host import LocalHost
from apps.engine.local.outside import SystemClock
from apps.engine.local.substitute import SubstituteWires
from apps.engine.registry import Registry
from apps.wfctl.announcing import announce, tell_links
from apps.wfctl.console import Asgi, Console
from apps.wfctl.linking import Linked
from apps.wfctl.logs import logging_without
from apps.wfctl.narrator import Narrator
from apps.wfctl.reading import Unreadable, registry, secrets_set
from apps.wfctl.report import print_report
from apps.wfctl.served import (
    CannotServe,
    Served,
    Wanted,
    addresses_of,
    compile_file,
    documents_of,
    links_between,
    listen_all,
    port_of,
)
from apps.wfctl.stopping import Server
from apps.wfctl.watching import changes

GRACE_SECONDS = 5


async def serve(wanted: Wanted, terminal: Terminal) -> None:
    """Serve until interrupted; raise `BadCall`, `CannotServe` and `Unreadable` before anything is served."""
    types = registry()
    served = documents_of(wanted, types, terminal)
    linked = links_between(wanted, served)
    if linked is not None and not linked.is_sound:
        print_report(linked.examined, terminal)
        raise CannotServe(f"{linked.examined.name} cannot be used; mend what is listed above.")
    listening = listen_all(addresses_of(wanted, served))
    wires = SubstituteWires() if wanted.has_local_brokers else None
    host = LocalHost(wanted.store, clock=SystemClock(wanted.seed), folder=served[0].folder, wires=wires)
    session = _Session(wanted, types, host, Narrator(terminal, host.known), served, linked)
    try:
        with logging_without(host.known):
            await session.serve(listening)
    finally:
        await host.close()
        for each in listening:
            each.close()


class _Session:
    """Everything that goes on between the first request and the last."""

    def __init__(
        self,
        wanted: Wanted,
        types: Registry,
        host: LocalHost,
        narrator: Narrator,
        served: Sequence[Served],
        linked: Linked | None,
    ) -> None:
        self._wanted, self._types, self._host, self._narrator = wanted, types, host, narrator
        self._served, self._linked = served, linked
        self._stop = asyncio.Event()

    async def serve(self, listening: Sequence[socket]) -> None:
        """Serve the documents, each on the socket at its place."""
        self._join()
        for each in self._served:
            self._deploy(each)
        self._host.start()
        work = [self._narrator.runs(self._host), *(self._reloading() if self._wanted.is_reloading else ())]
        tasks = [asyncio.create_task(each) for each in work]
        told = partial(announce, self._narrator, self._types, self._served, listening, self._linked)
        try:
            await self._server(self._asgi(listening), told).serve(sockets=list(listening))
        finally:
            self._stop.set()
            self._narrator.look(self._host)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._narrator.say("stopped")

    def _join(self) -> None:
        if len(self._served) > 1:
            links = () if self._linked is None else self._linked.links
            self._host.joined.join([each.scope for each in self._served], links)

    def _deploy(self, served: Served) -> None:
        """Serve it, knowing what not to show: rows of an earlier process may hold what this one has not used yet."""
        self._host.known.learn(secrets_set(served.application.document))
        served.application.values.use(self._host.known)
        self._host.deploy(served.application, served.scope, folder=served.folder)

    def _asgi(self, listening: Sequence[socket]) -> Asgi:
        doors = {port_of(at): self._door(each) for each, at in zip(self._served, listening, strict=True)}
        return _by_port(doors) if len(doors) > 1 else next(iter(doors.values()))

    def _door(self, served: Served) -> Asgi:
        door: Asgi = self._host.asgi(served.scope)
        if self._wanted.has_console:
            door = Console(door, self._host, served.scope)
        return self._narrator.requests(door, served.label)

    def _server(self, door: Asgi, told: Callable[[], None]) -> Server:
        config = uvicorn.Config(
            door,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        secured = [None if each.encryption is None else each.encryption.context for each in self._served]
        return Server(config, told, secured)

    def _reloading(self) -> Iterator[Coroutine[Any, Any, None]]:
        for each in self._served:
            yield self._reload(each)
        if self._linked is not None and self._wanted.links is not None:
            yield self._reload_links(self._wanted.links, self._linked.examined.content)

    async def _reload(self, served: Served) -> None:
        async for _ in changes(served.source.file, served.content, self._stop):
            with contextlib.suppress(Unreadable):
                self._deploy_again(served)

    def _deploy_again(self, served: Served) -> None:
        allowed = self._wanted.allow_placeholders
        examined, made = compile_file(served.scope, served.source, self._types, allow_placeholders=allowed)
        if made is None:
            print_report(examined, self._narrator.terminal)
            self._narrator.say(("not reloaded", "bold red"), ": what was served before goes on")
            return
        served.content, served.application = made.content, made.application
        self._deploy(served)
        self._narrator.say(("reloaded", "green"), f" {examined.name} ({made.application.sha256[:12]})")

    async def _reload_links(self, file: Path, content: bytes) -> None:
        async for _ in changes(file, content, self._stop):
            with contextlib.suppress(Unreadable):
                self._join_again()

    def _join_again(self) -> None:
        linked = links_between(self._wanted, self._served)
        if linked is None:
            return
        if not linked.is_sound:
            print_report(linked.examined, self._narrator.terminal)
            self._narrator.say(("not reloaded", "bold red"), ": the links that were there before go on")
            return
        self._linked = linked
        self._join()
        self._narrator.say(("reloaded", "green"), f" {linked.examined.name}")
        tell_links(self._narrator, linked)


def _by_port(doors: Mapping[int, Asgi]) -> Asgi:
    """Return one application for all sockets: each connection is its document's."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await doors[scope["server"][1]](scope, receive, send)

    return served
