"""How payloads become bytes, and how much of them is kept: what is over a limit is refused, whoever brings it."""

from typing import Any
from uuid import UUID

import orjson

from apps.engine.outcome import StepFailed
from apps.engine.run.state import RunState

LONGEST_PAYLOAD = 1024 * 1024  # of a run's input, its output, a message, a step's output
LONGEST_STATE = 4 * 1024 * 1024  # of everything a run carries from step to step, its input not counted


class PayloadTooLarge(StepFailed):
    """More than is kept: 413 for a caller, a failed step in a run."""

    def __init__(self, size: int, most: int) -> None:
        message = f"This takes up {size} bytes; at most {most} are kept."
        super().__init__(message, code="payload.too_large", status=413)


def dumped(value: Any, most: int = LONGEST_PAYLOAD) -> bytes:
    """Encode a payload; keys that are not text become text, values that JSON lacks too. Raises `PayloadTooLarge`."""
    data = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    if len(data) > most:
        raise PayloadTooLarge(len(data), most)
    return data


def fitting(value: Any, most: int = LONGEST_PAYLOAD) -> bytes | None:
    """Encode a payload that may be left out, as `dumped`; None when it is too large."""
    try:
        return dumped(value, most)
    except PayloadTooLarge:
        return None


def state_stored(state: RunState) -> bytes:
    """Encode where a run stands. Raises `PayloadTooLarge`."""
    return dumped(state.as_dict(), LONGEST_STATE)


def state_read(run_id: UUID, progress: bytes | memoryview, given: bytes | memoryview | None) -> RunState:
    """Rebuild where a run stands from its row's progress and input. Raises `KeyError` and its like when damaged."""
    stored = orjson.loads(progress)
    is_apart = given is not None and stored.get("is_apart", False)
    return RunState.from_dict(run_id, stored, orjson.loads(given) if is_apart and given is not None else None)
