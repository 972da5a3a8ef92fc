"""aiokafka's connections, led through the guard and with a cap on what a broker may send in one piece.

aiokafka has no place to put a way of connecting in, and makes connections in tasks of its own. So the one function that
makes them is ours, and it finds the guard in the context, which tasks inherit: without one nothing is connected to.
"""

import asyncio
import logging
from contextvars import ContextVar
from typing import Any

import aiokafka.client
from aiokafka.conn import AIOKafkaConnection

from apps.engine.local.wire_reach import Reach

# It writes several lines a second about each broker that is away; those who wait for one say so themselves.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

LARGEST_FRAME = 32 * 1_048_576

guard: ContextVar[Reach] = ContextVar("guard")


class _Guarded:
    """An event loop whose connections are the guard's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reach: Reach) -> None:
        self._loop, self._reach = loop, reach

    async def create_connection(self, factory: Any, host: str, port: int, *, ssl: Any = None) -> Any:
        """As an event loop's; TLS is done for the name."""
        link = await self._reach.connected(host, port)
        try:
            name = host if ssl is not None else None
            return await self._loop.create_connection(factory, sock=link, ssl=ssl, server_hostname=name)
        except BaseException:
            link.close()
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


class _Capped:
    """A stream that does not read more at once than a broker has reason to send."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    async def readexactly(self, size: int) -> bytes:
        """As a stream's."""
        if not 0 <= size <= LARGEST_FRAME:
            raise ConnectionError(f"a frame of {size} bytes")
        found: bytes = await self._reader.readexactly(size)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


class _Connection(AIOKafkaConnection):  # type: ignore[misc]
    _loop: Any
    _reader: Any

    async def connect(self) -> Any:
        """Connect by the guard."""
        self._loop = _Guarded(self._loop, guard.get())
        return await super().connect()

    def _create_reader_task(self) -> Any:
        self._reader = _Capped(self._reader)
        return super()._create_reader_task()


async def _create_conn(host: str, port: int, **options: Any) -> _Connection:
    connection = _Connection(host, port, **options)
    await connection.connect()
    return connection


aiokafka.client.create_conn = _create_conn
