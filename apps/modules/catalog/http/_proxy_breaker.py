"""Circuit breakers: a backend that fails again and again is left alone, and tried again after a while.

What is counted lives in the process (`context.unit.memory`), so each process finds out by itself.
"""

from dataclasses import dataclass, replace

from apps.engine.module import Context
from apps.modules.catalog.http._proxy_config import BreakerConfig

KEPT_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class _Counts:
    failures: int = 0
    successes: int = 0  # trials that went well since it was opened
    opened_at: float | None = None
    trials: int = 0  # on their way
    tried_at: float = 0.0  # the latest one began; one that was never heard of again is forgotten


class Breaker:
    """The breaker of one backend of one module."""

    def __init__(self, key: str, config: BreakerConfig) -> None:
        self._key = f"breaker:{key}"
        self._config = config

    def refusal(self, context: Context) -> float:
        """Return 0.0 when the backend may be asked now, else the seconds until it may."""
        if not self._config.enabled:
            return 0.0
        counts = self._counts(context)
        if counts.opened_at is None:
            return 0.0
        now, pause = _now(context), self._config.open_timeout
        if now - counts.opened_at < pause:
            return counts.opened_at + pause - now
        trials = counts.trials if now - counts.tried_at < pause else 0
        if trials >= self._config.half_open_allowed_requests:
            return 1.0
        self._keep(context, replace(counts, trials=trials + 1, tried_at=now))
        return 0.0

    def note(self, context: Context, *, is_good: bool) -> None:
        """Count how an asked backend did."""
        if not self._config.enabled:
            return
        counts = self._counts(context)
        if is_good:
            self._keep(context, self._after_success(counts))
        elif counts.opened_at is not None or counts.failures + 1 >= self._config.failure_threshold:
            self._keep(context, _Counts(failures=counts.failures + 1, opened_at=_now(context)))
        else:
            self._keep(context, replace(counts, failures=counts.failures + 1))

    def is_open(self, context: Context) -> bool:
        """Whether the backend is being left alone."""
        return self._config.enabled and self._counts(context).opened_at is not None

    def _after_success(self, counts: _Counts) -> _Counts:
        good = counts.successes + 1
        if counts.opened_at is None or good >= self._config.success_threshold:
            return _Counts()
        return replace(counts, successes=good, trials=max(0, counts.trials - 1))

    def _counts(self, context: Context) -> _Counts:
        found: _Counts | None = context.unit.memory.get(self._key)
        return found or _Counts()

    def _keep(self, context: Context, counts: _Counts) -> None:
        context.unit.memory.put(self._key, counts, seconds=KEPT_SECONDS)


def _now(context: Context) -> float:
    return context.unit.clock.now().timestamp()
