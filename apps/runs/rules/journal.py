"""Ids of the journal that follow from others, so that writing twice changes nothing."""

from uuid import UUID

HANDLER_LINE = -1  # in a request's trace: what the route's handler and middlewares said outside of any step
TIME_BITS = 0xFFFFFFFFFFFF << 80
RANDOM_BITS = (1 << 62) - 1


def step_row_id(run_id: UUID, step_key: UUID) -> UUID:
    """Return the id of a step's row: the run's time, so that it lies in the run's day, and bits of the step's key."""
    tail = (7 << 76) | (step_key.int & (0xFFF << 64)) | (2 << 62) | (step_key.int & RANDOM_BITS)
    return UUID(int=(run_id.int & TIME_BITS) | tail)
