"""Run a program in place, in the caller's own task: what requests do.

The loops are kept flat: no object per step but one trace tuple, one clock reading per step, `await` only for steps that
are coroutines. A step does one try; `TryAgain` and failures go to the caller, unless the step names where to go on.
"""

from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.run.effects import error_of, failed
from apps.engine.run.program import Program, Trace, Variables


def run_in_place(
    program: Program,
    variables: Variables,
    context: Context,
    trace: Trace,
    clock_ns: Callable[[], int] = perf_counter_ns,
) -> Any:
    """Run a program without coroutine steps to its end and return its output.

    Raises what the failing step raised, after adding it to `trace`; a program that ends with `error` set raises
    `StepFailed`.
    """
    calls = program.calls
    append = trace.append
    logs = context.logs
    index = 0
    began = clock_ns()
    while index >= 0:
        try:
            while index >= 0:
                output, following = calls[index](variables, context)
                ended = clock_ns()
                append((index, began, ended, output, None, _take(logs) if logs else None))
                began = ended
                index = following
        except (StepFailed, TryAgain) as failure:
            ended = clock_ns()
            append((index, began, ended, None, error_of(failure), _take(logs)))
            began = ended
            index = _where_to_go_on(program, index, failure, variables)
    return _result(variables)


async def run_in_place_async(
    program: Program,
    variables: Variables,
    context: Context,
    trace: Trace,
    clock_ns: Callable[[], int] = perf_counter_ns,
) -> Any:
    """Run any program to its end; as `run_in_place`."""
    calls, waits = program.calls, program.waits
    append = trace.append
    logs = context.logs
    index = 0
    began = clock_ns()
    while index >= 0:
        try:
            while index >= 0:
                if waits[index]:
                    output, following = await calls[index](variables, context)
                else:
                    output, following = calls[index](variables, context)
                ended = clock_ns()
                append((index, began, ended, output, None, _take(logs) if logs else None))
                began = ended
                index = following
        except (StepFailed, TryAgain) as failure:
            ended = clock_ns()
            append((index, began, ended, None, error_of(failure), _take(logs)))
            began = ended
            index = _where_to_go_on(program, index, failure, variables)
    return _result(variables)


def _take(logs: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    if not logs:
        return None
    taken = logs[:]
    logs.clear()
    return taken


def _where_to_go_on(program: Program, index: int, failure: StepFailed | TryAgain, variables: Variables) -> int:
    step = program.steps[index]
    if step.on_error is None:
        if isinstance(failure, StepFailed):
            failure.step = step.name
        raise failure
    variables.error = {**error_of(failure), "step": step.name}
    return step.on_error


def _result(variables: Variables) -> Any:
    names = variables.names
    error = names["error"]
    if error is not None:
        raise failed(error)
    response = variables.response
    return names["data"] if response is None else response["body"]
