"""When a step is tried again: exponential pauses with full jitter, the same ones for the same step (data.md 7)."""

from hashlib import blake2b
from uuid import UUID

from apps.engine.run.program import RetryPolicy

LONGEST_ASKED_SECONDS = 3600.0  # what a target may ask for with `TryAgain(after=...)`


def jitter(step_id: UUID, attempt: int) -> float:
    """Return a number in [0, 1) that depends on the step and the attempt alone."""
    digest = blake2b(step_id.bytes + attempt.to_bytes(4), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)


def pause_seconds(policy: RetryPolicy, step_id: UUID, attempt: int, asked: float | None = None) -> float:
    """Return the pause after failed `attempt` (from 1); `asked` is what the target itself wants."""
    if asked is not None:
        return min(max(asked, 0.0), LONGEST_ASKED_SECONDS)
    return _longest(policy, attempt) * jitter(step_id, attempt)


def _longest(policy: RetryPolicy, attempt: int) -> float:
    if not policy.first_pause_seconds:
        return 0.0
    try:
        grown = policy.first_pause_seconds * policy.factor ** (attempt - 1)
    except OverflowError:  # larger than any number: so it has long since come to the cap
        return policy.longest_pause_seconds
    return min(grown, policy.longest_pause_seconds)
