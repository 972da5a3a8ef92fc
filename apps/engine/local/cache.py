"""The `Cache` port in the memory of one process."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from apps.engine.cache_limits import LARGEST_TENANT, encoded
from apps.engine.ports import Cache, Clock
from apps.engine.redis_address import RedisServer

Place = tuple[str, str]  # module, key


class MemoryCache:
    """The cached values of one scope. Beyond its limits it forgets what would have expired first.

    `elsewhere` gives the cache of the same scope on a server of the document's own.
    """

    def __init__(
        self, clock: Clock, elsewhere: Callable[[RedisServer], Cache], most_bytes: int = LARGEST_TENANT
    ) -> None:
        self._clock = clock
        self._elsewhere = elsewhere
        self._most_bytes = most_bytes
        self._values: dict[Place, tuple[float, bytes]] = {}
        self._ends: list[tuple[float, Place]] = []  # a heap; an entry whose value has another end is out of date
        self._counts: dict[str, int] = {}
        self._size = 0

    def at(self, server: RedisServer) -> Cache:
        """Return the cache on a server."""
        return self._elsewhere(server)

    async def get(self, module: str, keys: Sequence[str]) -> dict[str, Any]:
        """Return the values that are there, by key."""
        now = self._clock.now().timestamp()
        found = {key: self._values.get((module, key)) for key in keys}
        return {key: orjson.loads(held[1]) for key, held in found.items() if held is not None and held[0] > now}

    async def set(self, module: str, values: Mapping[str, Any], *, ttl: float, most: int) -> None:
        """Keep values for `ttl` seconds, at most `most` of this module."""
        now = self._clock.now().timestamp()
        prepared = {key: encoded(key, value) for key, value in values.items()}
        while self._ends and self._ends[0][0] <= now:
            self._drop_first()
        for key, content in prepared.items():
            self._remove((module, key))
            self._values[module, key] = (now + ttl, content)
            self._counts[module] = self._counts.get(module, 0) + 1
            self._size += len(content)
            heapq.heappush(self._ends, (now + ttl, (module, key)))
        if self._counts.get(module, 0) > most:
            over = self._counts[module] - most
            of_module = ((held[0], place) for place, held in self._values.items() if place[0] == module)
            for _, place in heapq.nsmallest(over, of_module):
                self._remove(place)
        while self._size > self._most_bytes:
            self._drop_first()
        if len(self._ends) > 2 * len(self._values) + 1000:  # mostly out of date
            self._ends = [(held[0], place) for place, held in self._values.items()]
            heapq.heapify(self._ends)

    async def delete(self, module: str, keys: Sequence[str]) -> int:
        """Forget values; return how many were there."""
        now = self._clock.now().timestamp()
        places = [(module, key) for key in dict.fromkeys(keys)]
        count = sum(self._values[place][0] > now for place in places if place in self._values)
        for place in places:
            self._remove(place)
        return count

    async def flush(self, module: str) -> None:
        """Forget everything of a module."""
        for place in [place for place in self._values if place[0] == module]:
            self._remove(place)

    def _drop_first(self) -> None:
        end, place = heapq.heappop(self._ends)
        held = self._values.get(place)
        if held is not None and held[0] == end:
            self._remove(place)

    def _remove(self, place: Place) -> None:
        held = self._values.pop(place, None)
        if held is not None:
            self._size -= len(held[1])
            self._counts[place[0]] -= 1
