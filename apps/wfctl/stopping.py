"""A server that Ctrl-C and SIGTERM stop in order, with encryption of its own on each socket."""

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence

import uvicorn


class Server(uvicorn.Server):
    """Stops in order when told to, and then is done: uvicorn's own way ends the process by the signal.

    `announce` is called once it listens to being told: whoever reads it may send the signal at once. `secured` says for
    each socket how it is encrypted, None for not at all.
    """

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], secured: Sequence[ssl.SSLContext | None]
    ) -> None:
        super().__init__(config)
        self._announce, self._secured = announce, secured

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve each socket; uvicorn knows one encryption for all."""
        given = list(zip(sockets or (), self._secured, strict=True))
        await super().startup(sockets=[each for each, context in given if context is None])
        loop = asyncio.get_running_loop()
        for each, context in given:
            if context is not None:
                listening = await loop.create_server(
                    self._protocol, sock=each, ssl=context, backlog=self.config.backlog
                )
                self.servers.append(listening)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

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
