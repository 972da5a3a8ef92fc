"""A TLS door before a test's Kafka cluster, which itself speaks plain TCP only: whoever comes through stays behind it.

A cluster tells clients where its brokers are. In what comes from it the broker's port is exchanged for the door's, so
that every connection of a client is one through the door.
"""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.support.certificates import Certificates

HOST = "127.0.0.1"
LENGTH = struct.Struct(">i")

Frame = Callable[[bytes], bytes]


@asynccontextmanager
async def kafka_door(cluster: str, certificates: Certificates) -> AsyncIterator[str]:
    """Open a door to the broker at `host:port`; give its own host:port, and close it with every connection."""
    host, _, port = cluster.rpartition(":")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    passing: set[asyncio.Task[None]] = set()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(host, int(port))
        ways = [_pass(reader, ours, bytes), _pass(theirs, writer, exchange)]
        tasks = {asyncio.ensure_future(way) for way in ways}
        passing.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ours.close()
        writer.close()

    server = await asyncio.start_server(enter, HOST, 0, ssl=context)
    own = server.sockets[0].getsockname()[1]
    name = struct.pack(">h", len(host)) + host.encode()

    def exchange(frame: bytes) -> bytes:
        return frame.replace(name + LENGTH.pack(int(port)), name + LENGTH.pack(own))

    try:
        yield f"{HOST}:{own}"
    finally:
        server.close()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frame: Frame) -> None:
    """Hand frames on until either side has had enough."""
    try:
        while True:
            (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            content = frame(await reader.readexactly(size))
            writer.write(LENGTH.pack(len(content)) + content)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        return
