"""How often one principal may call: a token bucket per person or key in each web process, told in every answer."""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from math import ceil

from django.conf import settings

MOST_BUCKETS = 50_000
PER_MINUTE = 1200


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a principal's bucket; `wait` is 0 when the call may go ahead."""

    limit: int
    remaining: int
    reset_seconds: int
    wait: float

    def headers(self) -> dict[str, str]:
        """Return the RateLimit headers of the answer."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class Buckets:
    """Token buckets, bounded in number; a new one is full and fills up again within a minute."""

    def __init__(self, per_minute: int | None = None) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: Hashable) -> Allowance:
        """Take one token if there is one."""
        limit = self._per_minute or int(getattr(settings, "API_CALLS_PER_MINUTE", PER_MINUTE))
        rate = limit / 60
        now = time.monotonic()
        with self._lock:
            tokens, seen = self._buckets.pop(key, (float(limit), now))
            tokens = min(float(limit), tokens + (now - seen) * rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / rate
            tokens = tokens if wait else tokens - 1
            self._buckets[key] = (tokens, now)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        return Allowance(limit, int(tokens), ceil((limit - tokens) / rate), wait)


buckets = Buckets()
