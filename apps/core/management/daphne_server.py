"""Daphne with the two ends of a process's life that it leaves out. Importing this installs Twisted's event loop."""

import asyncio
import threading
import time
from typing import Any
from weakref import WeakSet

import structlog
from daphne.http_protocol import WebRequest
from daphne.server import Server, twisted_loop
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred

from apps.core.management.lifespan import Lifespan, LifespanFailed

log = structlog.get_logger(__name__)
LOOK_SECONDS = 0.05
SERVICE_RESTART = 1012
REACTOR: Any = reactor
Busy = list["asyncio.Future[Any]"]


class DrainingServer(Server):  # type: ignore[misc]
    """Starts the application before it listens; told to stop, it finishes what it has accepted and stops that too.

    `run` raises `LifespanFailed` when the application refuses to start.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(server_name="", **options)
        self._lifespan = Lifespan(self.application)
        self._ports: list[Any] = []
        self._channels: WeakSet[Any] = WeakSet()
        self._has_ended = threading.Event()

    def run(self) -> None:
        """Serve until a signal, or `end`, and until everything accepted by then is done."""
        try:
            twisted_loop.run_until_complete(self._lifespan.start())
            super().run()
            if self.abort_start:
                twisted_loop.run_until_complete(self._lifespan.stop())
            _cancel_the_rest()
        finally:
            self._has_ended.set()

    def end(self) -> None:
        """Stop as after a signal and return when it is over; for other threads than the one that runs."""
        if not self._has_ended.is_set():
            REACTOR.callFromThread(self.stop)
            self._has_ended.wait()

    def listen_success(self, port: Any) -> None:
        """Remember what is to be closed."""
        super().listen_success(port)
        self._ports.append(port)

    def protocol_connected(self, protocol: Any) -> None:
        """Remember the connection that a request came on: daphne itself forgets it between requests."""
        super().protocol_connected(protocol)
        if isinstance(protocol, WebRequest):
            self._channels.add(protocol.channel)

    def kill_all_applications(self) -> "Deferred[None]":
        """Hold up the end of the event loop; called when it has been told to stop."""
        return Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        for port in self._ports:
            await maybeDeferred(port.stopListening).asFuture(asyncio.get_running_loop())
        ends = time.monotonic() + settings.DRAIN_SECONDS
        self._let_go()
        while (self._busy() or REACTOR.getWriters()) and time.monotonic() < ends:
            await asyncio.sleep(LOOK_SECONDS)
            self._let_go()
        if late := self._busy():
            log.warning("daphne.cut_off", applications=len(late))
            await _cancel(late)
        try:
            await self._lifespan.stop()
        except LifespanFailed:
            log.exception("daphne.stop_failed")

    def _busy(self) -> Busy:
        """Return the requests and sockets that the application is at."""
        found = [details.get("application_instance") for details in self.connections.values()]
        return [each for each in found if each is not None and not each.done()]

    def _let_go(self) -> None:
        """Close connections without a request, let the others end with their answer, and send sockets away."""
        for channel in list(self._channels):
            if channel.requests:
                channel.persistent = False
            else:
                self._channels.discard(channel)
                channel.loseConnection()
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                protocol.sendCloseFrame(code=SERVICE_RESTART)


async def _cancel(futures: Busy) -> None:
    for future in futures:
        future.cancel()
    await asyncio.gather(*futures, return_exceptions=True)


def _cancel_the_rest() -> None:
    """End background tasks, as `asyncio.run` does."""
    twisted_loop.run_until_complete(_cancel(list(asyncio.all_tasks(twisted_loop))))
