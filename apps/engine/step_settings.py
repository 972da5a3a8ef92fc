"""`retryCount` and `retryDelay` of integration steps as the retries of a durable step (spec/modules.md 4.6)."""

from typing import Any

from apps.engine.durations import duration_seconds
from apps.engine.run.program import RetryPolicy

MOST_RETRIES = 100
DELAY_SECONDS = 1.0


def retry_of(said: dict[str, Any], timeout_seconds: float) -> RetryPolicy:
    """Return the policy: so many tries after the first, each after the same pause."""
    delay = duration_seconds(said["retryDelay"]) if said.get("retryDelay") is not None else DELAY_SECONDS
    return RetryPolicy(
        attempts=int(float(said.get("retryCount") or 0)) + 1,
        first_pause_seconds=delay,
        factor=1.0,
        longest_pause_seconds=delay,
        timeout_seconds=timeout_seconds,
    )
