"""JetStream streams of a test's NATS server, made and looked into over a connection of the test's own."""

from contextlib import asynccontextmanager
from typing import Any

import nats


@asynccontextmanager
async def _connection(address: str) -> Any:
    client = await nats.connect(f"nats://{address}")
    try:
        yield client
    finally:
        await client.close()


async def add_stream(address: str, name: str, subject: str) -> None:
    """Have the server keep a subject."""
    async with _connection(address) as client:
        await client.jetstream().add_stream(name=name, subjects=[subject])


async def publish_raw(address: str, subject: str, body: bytes) -> None:
    """Publish as somebody else does."""
    async with _connection(address) as client:
        await client.publish(subject, body)
        await client.flush()


async def messages_in(address: str, stream: str) -> list[Any]:
    """Return everything that a stream has kept, oldest first."""
    async with _connection(address) as client:
        manager = client.jsm()
        info = await manager.stream_info(stream)
        return [await manager.get_msg(stream, seq=number) for number in range(1, info.state.last_seq + 1)]


async def consumers_of(address: str, stream: str) -> list[Any]:
    """Return the durable consumers of a stream."""
    async with _connection(address) as client:
        found: list[Any] = await client.jsm().consumers_info(stream)
        return found


async def remove_consumers(address: str, stream: str) -> None:
    """Have the server forget the durable consumers of a stream."""
    async with _connection(address) as client:
        manager = client.jsm()
        for each in await manager.consumers_info(stream):
            await manager.delete_consumer(stream, each.name)
