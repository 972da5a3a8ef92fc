"""Row locks of one process: held by a unit of work until it ends."""

import asyncio
from collections.abc import Hashable

from apps.engine.ports import LostRace

WAIT_SECONDS = 5.0


class RowLocks:
    """Locks by row key, made when first wanted and forgotten when nobody holds or awaits them."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}
        self._wait = wait_seconds

    async def acquire(self, key: Hashable) -> None:
        """Wait for the row; raise `LostRace` when its holder does not end in time."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with asyncio.timeout(self._wait):
                await lock.acquire()
        except BaseException as error:
            self._forget(key)
            if isinstance(error, TimeoutError):
                raise LostRace(f"{key} is held by another unit of work") from None
            raise

    def release(self, key: Hashable) -> None:
        """Give the row back."""
        self._locks[key][0].release()
        self._forget(key)

    def _forget(self, key: Hashable) -> None:
        lock, users = self._locks[key]
        if users == 1:
            del self._locks[key]
        else:
            self._locks[key] = (lock, users - 1)

    def __len__(self) -> int:
        return len(self._locks)
