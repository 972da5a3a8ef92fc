"""The `Metrics` port over all processes: each adds up what it has seen in Redis, and whoever is asked reads the sums.

A document's samples are one hash of sums by part (`engine/samples.py`), so a worker's runs show where the web answers
`/metrics`, and a process that dies takes nothing back. Redis may be down: a process then keeps what it has seen, and
shows that.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from uuid import UUID

import structlog

from apps.engine.samples import Part, Samples
from apps.runs.adapters.cache import OUTAGE, RedisCaches
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.tasks import end_tasks

log = structlog.get_logger(__name__)
SQL = Statements("metrics")
PREFIX = "weft:samples:"
FLUSH_SECONDS = 1.0
KEPT_SECONDS = 30 * 24 * 3600  # after the last sample
MOST_SCOPES = 20_000
MOST_PARTS = 20_000  # of one document in one environment
AT_ONCE = 1_000  # parts of one script

Ids = tuple[UUID, UUID, UUID]  # tenant, environment, workflow

# KEYS: the hash. ARGV: most parts, seconds to keep, then part and amount in turn. A new part beyond the cap is dropped.
ADD = """
local room = tonumber(ARGV[1]) - redis.call('hlen', KEYS[1])
for i = 3, #ARGV, 2 do
  local is_new = redis.call('hexists', KEYS[1], ARGV[i]) == 0
  if not is_new or room > 0 then
    redis.call('hincrbyfloat', KEYS[1], ARGV[i], ARGV[i + 1])
    if is_new then room = room - 1 end
  end
end
redis.call('expire', KEYS[1], ARGV[2])
return 1
"""


class SampleBook:
    """What one process has seen and not told yet, by document; the least used ones beyond the cap are forgotten."""

    def __init__(self) -> None:
        self._samples: OrderedDict[Ids, Samples] = OrderedDict()

    def of(self, ids: Ids) -> Samples:
        """Return the samples of one document in one environment."""
        samples = self._samples.setdefault(ids, Samples())
        self._samples.move_to_end(ids)
        while len(self._samples) > MOST_SCOPES:
            self._samples.popitem(last=False)
        return samples

    def drained(self) -> Iterator[tuple[Ids, list[Part]]]:
        """Take out everything that there is to tell."""
        for ids, samples in list(self._samples.items()):
            parts = samples.drain()
            if parts:
                yield ids, parts


class SharedSamples:
    """Adds the book of one process to the sums of all, once a second, and reads them."""

    def __init__(self, caches: RedisCaches, book: SampleBook) -> None:
        self._caches = caches
        self._book = book
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin telling, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._loop(), name="shared-samples")

    async def close(self) -> None:
        """Tell the rest and stop."""
        if self._task is not None:
            await end_tasks([self._task])
            await self._tell_all()

    async def read(self, ids: Ids) -> Samples:
        """Return the sums of all processes, with what this one has just seen."""
        mine = self._book.of(ids)
        found = Samples(MOST_PARTS)
        await self._tell(ids, mine.drain())
        try:
            kept = await self._caches.client.hgetall(_key(ids))
        except OUTAGE as problem:
            log.warning("samples.unreachable", problem=type(problem).__name__)
            parts = mine.drain()
            mine.absorb(parts)
            found.absorb(parts)
        else:
            found.absorb((name, float(amount)) for name, amount in kept.items())
        return found

    async def _loop(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._tell_all()

    async def _tell_all(self) -> None:
        for ids, parts in self._book.drained():
            if not await self._tell(ids, parts):
                return

    async def _tell(self, ids: Ids, parts: Sequence[Part]) -> bool:
        """Add parts to the sums; what Redis does not take goes back into the book."""
        for start in range(0, len(parts), AT_ONCE):
            pairs = [value for part in parts[start : start + AT_ONCE] for value in part]
            try:
                await self._caches.client.eval(ADD, 1, _key(ids), MOST_PARTS, KEPT_SECONDS, *pairs)
            except OUTAGE as problem:
                log.warning("samples.untold", problem=type(problem).__name__)
                self._book.of(ids).absorb(parts[start:])
                return False
        return True


class HostedMetrics:
    """The samples of one document in one environment."""

    def __init__(self, samples: Samples, shared: SharedSamples, ids: Ids, session: Session) -> None:
        self._shared = shared
        self._ids = ids
        self._session = session
        self.count = samples.count
        self.observe = samples.observe

    async def page(self, prefix: str = "") -> str:
        """Return the samples of all processes, and the runs that are unfinished now."""
        found = await self._shared.read(self._ids)
        _, environment_id, workflow_id = self._ids
        found.show_active(dict(await self._session.rows(SQL.unfinished, (environment_id, workflow_id))))
        return found.render(prefix)


def _key(ids: Ids) -> str:
    tenant_id, environment_id, workflow_id = ids
    return f"{PREFIX}{{{tenant_id}}}:{environment_id}:{workflow_id}"
