"""A door with TLS before a Postgres server that speaks none: clients come in encrypted, what they say is handed on."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.asking import SPEAKS_TLS
from tests.support.certificates import Certificates

HOST = "127.0.0.1"
ASKING_BYTES = 8
PIECE = 65_536


@asynccontextmanager
async def postgres_door(server: str, certificates: Certificates) -> AsyncIterator[int]:
    """Open a door to the server at `host:port`; give its own port, and close it with every connection."""
    host, _, port = server.rpartition(":")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    passing: set[asyncio.Task[None]] = set()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(ASKING_BYTES)
            writer.write(SPEAKS_TLS)
            await writer.start_tls(context)
            theirs, ours = await asyncio.open_connection(host, int(port))
        except (asyncio.IncompleteReadError, OSError):  # who does not trust the certificate goes
            writer.close()
            return
        tasks = {asyncio.ensure_future(_pass(*way)) for way in ((reader, ours), (theirs, writer))}
        passing.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ours.close()
        writer.close()

    listening = await asyncio.start_server(enter, HOST, 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand bytes on until either side has had enough."""
    try:
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        return
