"""A place on this machine that nobody may touch: it counts whoever connects, and says nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Untouched:
    """Where it is, and how many have been there."""

    def __init__(self) -> None:
        self.port = 0
        self.visits = 0

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self.port}"

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@contextlib.asynccontextmanager
async def untouched() -> AsyncIterator[Untouched]:
    """Listen in this loop until the block ends."""
    place = Untouched()
    server = await asyncio.start_server(place._meet, "127.0.0.1", 0)
    async with server:
        place.port = server.sockets[0].getsockname()[1]
        yield place
