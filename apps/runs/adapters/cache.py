"""The `Cache` port over the product's Redis.

Everything of a tenant is under one hash tag: `:v` the values by place, `:x` their ends, `:b` their bytes, and one
`:m:<module>` of ends for each module. A place is `<environment>/<workflow>/<module>`, NUL, key; it is made here from
the place of the unit, so no document can spell another tenant's. Scripts keep the parts in step. Redis may be down: a
look-up then finds nothing and a value is not kept, while forgetting is tried again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import redis.asyncio
import structlog

from apps.engine.cache_limits import LARGEST_TENANT, encoded
from apps.engine.outcome import TryAgain
from apps.engine.ports import Clock
from apps.runs.adapters.place import Place

log = structlog.get_logger(__name__)
PREFIX = "weft:cache:"
OUTAGE = (redis.RedisError, OSError)

# Shared by the scripts: forgets places. KEYS: v, x, b.
_FORGET = """
local function forget(base, places)
  for _, place in ipairs(places) do
    local size = redis.call('hstrlen', KEYS[1], place)
    if redis.call('zrem', KEYS[2], place) == 1 then
      redis.call('hdel', KEYS[1], place)
      redis.call('decrby', KEYS[3], size)
    end
    local cut = string.find(place, string.char(0), 1, true)
    redis.call('zrem', base .. ':m:' .. string.sub(place, 1, cut - 1), place)
  end
end
"""
# ARGV: base, module, now, end, most of the module, most bytes, then place and value in turn. Times in milliseconds.
SET = (
    _FORGET
    + """
local base, module = ARGV[1], ARGV[1] .. ':m:' .. ARGV[2]
local now, ends, most, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
forget(base, redis.call('zrangebyscore', KEYS[2], '-inf', now, 'limit', 0, 1000))
for i = 7, #ARGV, 2 do
  local before = redis.call('hstrlen', KEYS[1], ARGV[i])
  redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('zadd', KEYS[2], ends, ARGV[i])
  redis.call('zadd', module, ends, ARGV[i])
  redis.call('incrby', KEYS[3], #ARGV[i + 1] - before)
end
local over = redis.call('zcard', module) - most
if over > 0 then forget(base, redis.call('zrange', module, 0, over - 1)) end
while tonumber(redis.call('get', KEYS[3]) or '0') > most_bytes and redis.call('zcard', KEYS[2]) > 0 do
  forget(base, redis.call('zrange', KEYS[2], 0, 0))
end
for _, key in ipairs({KEYS[1], KEYS[2], KEYS[3], module}) do
  local left = redis.call('pttl', key)
  if left >= -1 and left < ends - now then redis.call('pexpire', key, math.ceil(ends - now)) end
end
return 1
"""
)
# ARGV: base, now, places. Returns how many of them had not ended.
DELETE = (
    _FORGET
    + """
local places, count = {}, 0
for i = 3, #ARGV do
  local ends = redis.call('zscore', KEYS[2], ARGV[i])
  if ends and tonumber(ends) > tonumber(ARGV[2]) then count = count + 1 end
  places[#places + 1] = ARGV[i]
end
forget(ARGV[1], places)
return count
"""
)
# ARGV: base, module.
FLUSH = (
    _FORGET
    + """
forget(ARGV[1], redis.call('zrange', ARGV[1] .. ':m:' .. ARGV[2], 0, -1))
return 1
"""
)


class RedisCaches:
    """The connection of one process and event loop; made when first used."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The connection pool."""
        if self._client is None:
            self._client = redis.asyncio.Redis.from_url(self._url, socket_timeout=2, socket_connect_timeout=2)
        return self._client

    def scoped(self, place: Place, clock: Clock) -> "RedisCache":
        """Return the cache of one place."""
        return RedisCache(self, place, clock)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class RedisCache:
    """The cached values of one tenant, environment and workflow."""

    def __init__(self, caches: RedisCaches, place: Place, clock: Clock, most_bytes: int = LARGEST_TENANT) -> None:
        self._caches = caches
        self._clock = clock
        self._most_bytes = most_bytes
        self._base = f"{PREFIX}{{{place.tenant_id}}}"
        self._keys = (f"{self._base}:v", f"{self._base}:x", f"{self._base}:b")
        self._where = f"{place.environment_id}/{place.workflow_id}"

    async def get(self, module: str, keys: Sequence[str]) -> dict[str, Any]:
        """Return the values that are there, by key."""
        if not keys:
            return {}
        places = [self._place(module, key) for key in keys]
        try:
            async with self._caches.client.pipeline(transaction=True) as pipe:
                pipe.hmget(self._keys[0], places)
                pipe.zmscore(self._keys[1], places)
                values, ends = await pipe.execute()
        except OUTAGE as problem:
            log.warning("cache.unreachable", problem=type(problem).__name__)
            return {}
        now = self._now()
        return {
            key: orjson.loads(value)
            for key, value, end in zip(keys, values, ends, strict=True)
            if value is not None and end is not None and end > now
        }

    async def set(self, module: str, values: Mapping[str, Any], *, ttl: float, most: int) -> None:
        """Keep values for `ttl` seconds, at most `most` of this module."""
        prepared = {key: encoded(key, value) for key, value in values.items()}
        now = self._now()
        pairs = [part for key, content in prepared.items() for part in (self._place(module, key), content)]
        limits = (now, now + ttl * 1000, most, self._most_bytes)
        try:
            await self._run(SET, self._base, self._module(module), *limits, *pairs)
        except OUTAGE as problem:
            log.warning("cache.unreachable", problem=type(problem).__name__)

    async def delete(self, module: str, keys: Sequence[str]) -> int:
        """Forget values; return how many were there; raise `TryAgain` when Redis cannot be asked."""
        places = [self._place(module, key) for key in dict.fromkeys(keys)]
        try:
            return int(await self._run(DELETE, self._base, self._now(), *places))
        except OUTAGE as problem:
            raise TryAgain(f"The cache does not answer: {type(problem).__name__}", code="cache.unreachable") from None

    async def flush(self, module: str) -> None:
        """Forget everything of a module; raise `TryAgain` when Redis cannot be asked."""
        try:
            await self._run(FLUSH, self._base, self._module(module))
        except OUTAGE as problem:
            raise TryAgain(f"The cache does not answer: {type(problem).__name__}", code="cache.unreachable") from None

    async def _run(self, script: str, *arguments: Any) -> Any:
        return await self._caches.client.eval(script, len(self._keys), *self._keys, *arguments)

    def _module(self, module: str) -> str:
        return f"{self._where}/{module}"

    def _place(self, module: str, key: str) -> str:
        return f"{self._module(module)}\0{key}"

    def _now(self) -> float:
        return self._clock.now().timestamp() * 1000
