"""Token buckets for `http.middleware.ratelimit`: the `Counters` port, kept in the memory of one process.

A process keeps one `TokenBuckets`; each unit of work gets `buckets.scoped("<tenant>/<environment>/<workflow>")`, so
that equal client keys of two tenants are two buckets.
"""

from collections import OrderedDict
from collections.abc import Callable

MOST_BUCKETS = 100_000


class TokenBuckets:
    """All buckets of a process; the least recently used ones are forgotten beyond `most`."""

    def __init__(self, monotonic: Callable[[], float], most: int = MOST_BUCKETS) -> None:
        self._monotonic = monotonic
        self._most = most
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def scoped(self, scope: str) -> "ScopedBuckets":
        """Return the view of one scope."""
        return ScopedBuckets(self, scope)

    def take(self, scope: str, key: str, per_minute: float, burst: int) -> float:
        """Take one token; return 0.0 or the seconds to wait. A new bucket is full."""
        now = self._monotonic()
        rate = per_minute / 60.0
        tokens, seen = self._buckets.get((scope, key), (float(burst), now))
        tokens = min(float(burst), tokens + (now - seen) * rate)
        wait = 0.0 if tokens >= 1.0 else (1.0 - tokens) / rate
        self._buckets[scope, key] = (tokens if wait else tokens - 1.0, now)
        self._buckets.move_to_end((scope, key))
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait


class ScopedBuckets:
    """The `Counters` port of one scope."""

    __slots__ = ("_buckets", "_scope")

    def __init__(self, buckets: TokenBuckets, scope: str) -> None:
        self._buckets = buckets
        self._scope = scope

    def take(self, key: str, *, per_minute: float, burst: int) -> float:
        """Take one token; return 0.0 or the seconds to wait."""
        return self._buckets.take(self._scope, key, per_minute, burst)
