"""The `Cache` port over Redis, the same for the product's server and for one of a document's own.

Everything of one `tag` is under one hash tag: `:v` the values by place, `:x` their ends, `:b` their bytes, and one
`:m:<module>` of ends for each module. A place is `<where>/<module>`, NUL, key; tag and where are the host's, so no
document can spell another's. Scripts keep the parts in step. The server may be down: a look-up then finds nothing and a
value is not kept, while forgetting is tried again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from apps.engine.cache_limits import LARGEST_TENANT, encoded
from apps.engine.outcome import TryAgain
from apps.engine.ports import Clock

PREFIX = "weft:cache:"
_NOTHING = object()

# ARGV: now, places. Returns the values that have not ended, nothing in the place of the others.
GET = """
local found = {}
for i = 2, #ARGV do
  local ends = redis.call('zscore', KEYS[2], ARGV[i])
  found[i - 1] = ends and tonumber(ends) > tonumber(ARGV[1]) and redis.call('hget', KEYS[1], ARGV[i])
end
return found
"""
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


class CacheAway(Exception):
    """The server does not answer, or cannot at the moment; the message says how that showed."""


class ScriptedCache(ABC):
    """The cached values of one scope on one server."""

    def __init__(self, tag: str, where: str, clock: Clock, most_bytes: int = LARGEST_TENANT) -> None:
        self.tag, self.where, self.clock = tag, where, clock
        self._most_bytes = most_bytes
        self._base = f"{PREFIX}{{{tag}}}"
        self._keys = (f"{self._base}:v", f"{self._base}:x", f"{self._base}:b")

    @abstractmethod
    async def evaluate(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script on the server; raise `CacheAway`, or `StepFailed` where no other try may succeed."""

    async def get(self, module: str, keys: Sequence[str]) -> dict[str, Any]:
        """Return the values that are there, by key."""
        if not keys:
            return {}
        try:
            values = await self._run(GET, self._now(), *(self._place(module, key) for key in keys))
        except CacheAway:
            return {}
        found = zip(keys, values, strict=False) if isinstance(values, list) else ()
        return {key: held for key, value in found if (held := _read(value)) is not _NOTHING}

    async def set(self, module: str, values: Mapping[str, Any], *, ttl: float, most: int) -> None:
        """Keep values for `ttl` seconds, at most `most` of this module."""
        prepared = {key: encoded(key, value) for key, value in values.items()}
        now = self._now()
        pairs = [part for key, content in prepared.items() for part in (self._place(module, key), content)]
        limits = (now, now + ttl * 1000, most, self._most_bytes)
        try:
            await self._run(SET, self._base, self._module(module), *limits, *pairs)
        except CacheAway:
            return

    async def delete(self, module: str, keys: Sequence[str]) -> int:
        """Forget values; return how many were there; raise `TryAgain` when the server cannot be asked."""
        places = [self._place(module, key) for key in dict.fromkeys(keys)]
        try:
            count = await self._run(DELETE, self._base, self._now(), *places)
        except CacheAway as problem:
            raise _again(problem) from None
        return count if isinstance(count, int) else 0

    async def flush(self, module: str) -> None:
        """Forget everything of a module; raise `TryAgain` when the server cannot be asked."""
        try:
            await self._run(FLUSH, self._base, self._module(module))
        except CacheAway as problem:
            raise _again(problem) from None

    async def _run(self, script: str, *arguments: Any) -> Any:
        return await self.evaluate(script, self._keys, arguments)

    def _module(self, module: str) -> str:
        return f"{self.where}/{module}"

    def _place(self, module: str, key: str) -> str:
        return f"{self._module(module)}\0{key}"

    def _now(self) -> float:
        return self.clock.now().timestamp() * 1000


def _read(value: Any) -> Any:
    """Return a kept value, `_NOTHING` for one that another program has put there."""
    try:
        return orjson.loads(value) if isinstance(value, bytes) else _NOTHING
    except orjson.JSONDecodeError:
        return _NOTHING


def _again(problem: CacheAway) -> TryAgain:
    return TryAgain(f"The cache does not answer: {problem}", code="cache.unreachable")
