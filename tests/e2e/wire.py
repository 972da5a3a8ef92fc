"""The network between the browser and the product, which a test can cut and restore."""

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

CHUNK = 65536


class Wire:
    """Carries bytes from a port of its own to the product's; while cut, it drops what is open and takes nothing new."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[StreamWriter] = set()
        self._is_cut = False
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="wire")
        self.port = 0

    def __enter__(self) -> "Wire":
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(self, *problem: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """Where the browser finds the product."""
        return f"http://localhost:{self.port}"

    def cut(self) -> None:
        """Lose the connection."""
        self._loop.call_soon_threadsafe(self._drop)

    def restore(self) -> None:
        """Be there again."""
        self._is_cut = False

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        await self._end.wait()
        server.close()
        self._drop()
        while self._open:
            await asyncio.sleep(0)

    def _drop(self) -> None:
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        pair = {writer, back}
        self._open |= pair
        try:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            self._open -= pair
            for end in pair:
                end.transport.abort()


async def _pump(source: StreamReader, sink: StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(CHUNK):
            sink.write(chunk)
            await sink.drain()
        sink.write_eof()
