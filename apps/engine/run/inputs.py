"""What the steps of a run were given: told when it happens, or worked out from a trace when somebody looks.

A trace holds outputs only, since requests are not to pay for what is seldom read. What flowed into a step follows from
the run's input and the outputs before it; where it does not (the request's own names are not stored, an output was left
out), the answer is None.
"""

from typing import Any

import orjson

from apps.engine.outcome import StepFailed
from apps.engine.run.program import Program, Step, StepTrace, Trace, Variables

LARGEST_INPUT = 64 * 1024  # bytes of JSON
MOST_LOOKED_AT = 16 * 1024 * 1024  # of one trace: what is told and what is too large to be
NOT_STORED = frozenset({"request"})


def input_of(step: Step, variables: Variables) -> Any:
    """Return what a try of `step` gets: what it asks for, or the data where that cannot be evaluated."""
    try:
        return variables.data if step.given is None else step.given(variables)
    except StepFailed:
        return variables.data


def encoded(value: Any) -> bytes:
    """Return an input as it is kept; of one that is too large only its size."""
    data = _json(value)
    return data if len(data) <= LARGEST_INPUT else _json(_left_out(len(data)))


def read_inputs(program: Program, trace: Trace, data: Any, run_id: str) -> list[Any]:
    """Return what each line of a stored trace was given; `data` is what the run began with."""
    variables = Variables(data, None, {"id": run_id, "attempt": 1})
    found: list[Any] = []
    size = 0
    for line in trace:
        entry = StepTrace._make(line)
        step = program.steps[entry.position]
        kept, taken = _measured(step, variables)
        size += taken
        if size > MOST_LOOKED_AT:
            break
        found.append(kept)
        if not _replayed(step, entry, variables):
            break
    return found + [None] * (len(trace) - len(found))


def _measured(step: Step, variables: Variables) -> tuple[Any, int]:
    if step.given_roots & NOT_STORED:
        return None, 0
    value = input_of(step, variables)
    size = len(_json(value))
    return (value if size <= LARGEST_INPUT else _left_out(size)), size


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)


def _left_out(size: int) -> str:
    return f"[{size} bytes, not kept]"


def _replayed(step: Step, entry: StepTrace, variables: Variables) -> bool:
    """Bring the variables to where they were after a line; False when that cannot be told."""
    if entry.error is not None:
        variables.error = {**entry.error, "step": step.name}
        return True
    if step.replay is None:
        return True
    enters = step.kind == "enter"
    if (entry.output is None and not enters) or (enters and step.given_roots & NOT_STORED):
        return False
    try:
        step.replay(variables, entry.output)
    except (StepFailed, TypeError, LookupError):
        return False
    return True
