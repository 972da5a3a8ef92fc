"""A Postgres server that lets nobody in: it asks for a password in clear text, and keeps what it is told."""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator

NO_TLS, SPEAKS_TLS, CLEAR_TEXT = b"N", b"S", struct.pack("!cii", b"R", 8, 3)
ASKS_FOR_TLS = 80_877_103
A_PASSWORD = b"p"


class Asking:
    """What it was told; it speaks TLS when it has a context for it."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.names: list[dict[str, str]] = []
        self.passwords: list[str] = []
        self._context = context

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until it has said its password or has gone."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await self._asked(reader, writer)
        writer.close()

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        code, body = await _first(reader)
        if code == ASKS_FOR_TLS:
            writer.write(NO_TLS if self._context is None else SPEAKS_TLS)
            if self._context is not None:
                await writer.start_tls(self._context)
            code, body = await _first(reader)
        words = body.rstrip(b"\0").decode().split("\0")
        self.names.append(dict(zip(words[::2], words[1::2], strict=False)))
        writer.write(CLEAR_TEXT)
        kind, length = struct.unpack("!ci", await reader.readexactly(5))
        if kind == A_PASSWORD:
            self.passwords.append((await reader.readexactly(length - 4)).rstrip(b"\0").decode())


async def _first(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    length, code = struct.unpack("!ii", await reader.readexactly(8))
    return code, await reader.readexactly(length - 8)


@contextlib.asynccontextmanager
async def asking_server(context: ssl.SSLContext | None = None) -> AsyncIterator[Asking]:
    """Listen in this loop until the block ends."""
    server = Asking(context)
    listening = await asyncio.start_server(server.meet, "127.0.0.1", 0)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
