"""The logic of a run: `decide(program, state, event, now)` says what it becomes and what is to be done.

Pure: the same in workers, in `wfctl run` and in the simulator. The state given is never changed; the driver writes
the state returned and performs the commands in the same transaction, except `TryStep` and `VerifyStep`, which come
after it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from apps.engine.module import Effect
from apps.engine.run import waits
from apps.engine.run.failure import FailurePoint, from_the_beginning
from apps.engine.run.program import END, Program, Step, Variables, step_id
from apps.engine.run.recovery import Recovery, recover, without_receipt
from apps.engine.run.retry import pause_seconds
from apps.engine.run.state import (
    Again,
    Cancelled,
    Claimed,
    Command,
    Done,
    Event,
    Failed,
    Finish,
    LeaseLost,
    Ledger,
    Lost,
    NotHappened,
    Park,
    Queue,
    RecordStep,
    RunState,
    SendAgain,
    Settled,
    Status,
    TryStep,
    Unchecked,
    VerifyStep,
    Woken,
)

MOST_CRASHES = 25  # claims of one step that end without a word before the run is given up as poison

Decision = tuple[RunState, list[Command]]


def decide(program: Program, state: RunState, event: Event, now: datetime) -> Decision:
    """Return the next state and the commands. An event that does not fit the state changes nothing: it is late."""
    return _HANDLERS[type(event)](program, state, event, now)


def output_of(variables: Variables) -> Any:
    """Return what a run leaves behind: the body it responded with, else its data."""
    response = variables.response
    return variables.names["data"] if response is None else response["body"]


def _claimed(program: Program, state: RunState, event: Claimed, now: datetime) -> Decision:
    if state.status.is_final or state.status is Status.UNKNOWN:
        return state, []
    crashes = state.crashes + 1 if state.status is Status.CLAIMED else state.crashes
    mine = replace(state, status=Status.CLAIMED, wait=None, crashes=crashes)
    if crashes > MOST_CRASHES:
        error = {"code": "run.poison", "message": "Its worker died at every try of this step."}
        return _failed(program, mine, Failed(error), now)
    ledger = event.ledger
    if event.is_overdue and (ledger is None or ledger.receipt is None):
        return _overdue(program, mine, ledger, now)
    answer = recover(program.steps[mine.position].effect, ledger)
    if answer is Recovery.TRY_ANEW and ledger is not None and ledger.receipt is not None:
        return _after_refusal(program, mine, ledger.receipt.error or {}, now)
    if answer is Recovery.USE_RECEIPT and ledger is not None:
        return mine, [TryStep(mine.position, mine.step_attempt, ledger.receipt)]
    return _by_recovery(mine, answer, now)


def _overdue(program: Program, mine: RunState, ledger: Ledger | None, now: datetime) -> Decision:
    """A try did not end in its time although its worker was alive: as if it had given no answer within its limit.

    Where nothing is written before a try it is not known which step hung, so the run goes on where it stood.
    """
    step = _step(program, mine)
    if step.effect is Effect.PURE:
        return _by_recovery(mine, Recovery.TRY, now)
    error = timed_out(step.retry.timeout_seconds)
    if ledger is None:
        return _again(program, mine, Again(error), now)
    return _lost(program, mine, Lost(error), now)


def timed_out(seconds: float) -> dict[str, Any]:
    """Return the error of a try that gave no answer within its limit."""
    return {"code": "step.timeout", "message": f"No answer within {seconds:g} s."}


def _after_refusal(program: Program, mine: RunState, error: dict[str, Any], now: datetime) -> Decision:
    """The receipt is there and the record is not: say again what the try would have said."""
    if error.get("final"):
        return _failed(program, mine, Failed(error), now)
    return _again(program, mine, Again(error, error.get("after")), now)


def _by_recovery(mine: RunState, answer: Recovery, now: datetime) -> Decision:
    if answer is Recovery.VERIFY:
        return mine, [VerifyStep(mine.position, mine.step_attempt)]
    if answer is Recovery.UNKNOWN:
        return _unknown(mine, {"code": "effect.unknown", "message": "The worker died during the call."}, [], now)
    return mine, [TryStep(mine.position, mine.step_attempt)]


def _unknown(state: RunState, error: dict[str, Any], logs: list[dict[str, Any]], now: datetime) -> Decision:
    parked = replace(state, status=Status.UNKNOWN, wait=waits.for_person(now))
    return parked, [RecordStep(state.position, state.step_attempt, "unknown", error=error, logs=logs), Park()]


def _done(program: Program, state: RunState, event: Done, now: datetime) -> Decision:
    if state.status is not Status.CLAIMED:
        return state, []
    record = RecordStep(state.position, state.step_attempt, "done", event.output, logs=event.logs)
    is_left_out = program.steps[state.position].is_silent and event.output is None and not event.logs
    failed_at = None if event.variables.error is None else state.failed_at
    after = replace(state, variables=event.variables, failed_at=failed_at)
    return _go_on(after, event.following, *(() if is_left_out else (record,)))


def _go_on(state: RunState, following: int, *records: RecordStep) -> Decision:
    if following == END:
        return _finish(state, *records)
    tries = max(state.tries, state.step_attempt)
    onward = replace(state, position=following, step_attempt=1, crashes=0, tries=tries)
    return onward, [*records, TryStep(following, 1)]


def _finish(state: RunState, *records: RecordStep) -> Decision:
    error = state.variables.error
    status = Status.DONE if error is None else Status.FAILED
    output = output_of(state.variables)
    ended = replace(state, status=status, wait=None, output=output, error=error)
    return ended, [*records, Finish(status, output, error)]


def _failed(program: Program, state: RunState, event: Failed, now: datetime) -> Decision:
    if state.status is not Status.CLAIMED:
        return state, []
    step = program.steps[state.position]
    record = RecordStep(
        state.position, state.step_attempt, "failed", error=event.error, logs=event.logs, trace=event.trace
    )
    variables = state.variables.copy()
    variables.error = {**event.error, "step": step.name}
    after = replace(state, variables=variables)
    if step.on_error is not None:
        failed_at = FailurePoint(state.position, state.step_attempt, state.variables.copy())
        return _go_on(replace(after, failed_at=failed_at), step.on_error, record)
    return _finish(after, record)


def _again(program: Program, state: RunState, event: Again, now: datetime) -> Decision:
    if state.status is not Status.CLAIMED:
        return state, []
    step = program.steps[state.position]
    if state.step_attempt >= step.retry.attempts and not event.free:
        return _failed(program, state, Failed(event.error, event.logs), now)
    pause = pause_seconds(step.retry, step_id(state.run_id, step.name), state.step_attempt, event.after)
    ready_at = now + timedelta(seconds=pause)
    record = RecordStep(state.position, state.step_attempt, "waiting", error=event.error, logs=event.logs)
    waiting = replace(
        state,
        status=Status.WAITING,
        step_attempt=state.step_attempt + (0 if event.free else 1),
        crashes=0,
        wait=waits.for_retry(now, ready_at, event.error),
    )
    return waiting, [record, Queue(ready_at)]


def _lost(program: Program, state: RunState, event: Lost, now: datetime) -> Decision:
    if state.status is not Status.CLAIMED:
        return state, []
    answer = without_receipt(_step(program, state).effect)
    if answer is Recovery.TRY:
        return _again(program, state, Again(event.error, None, event.logs), now)
    if answer is Recovery.VERIFY:
        return state, [VerifyStep(state.position, state.step_attempt)]
    return _unknown(state, event.error, event.logs, now)


def _not_happened(program: Program, state: RunState, event: NotHappened, now: datetime) -> Decision:
    error = {"code": "effect.not_happened", "message": "The target says that the call never arrived."}
    return _again(program, state, Again(error), now)


def _unchecked(program: Program, state: RunState, event: Unchecked, now: datetime) -> Decision:
    """The attempt stays the same, since its intent is what has to be settled."""
    if state.status is not Status.CLAIMED:
        return state, []
    crashes = state.crashes + 1
    if event.final or crashes > MOST_CRASHES:
        return _unknown(state, event.error, [], now)
    step = _step(program, state)
    pause = pause_seconds(step.retry, step_id(state.run_id, step.name), crashes, event.after)
    ready_at = now + timedelta(seconds=pause)
    waiting = replace(state, status=Status.WAITING, crashes=crashes, wait=waits.for_retry(now, ready_at, event.error))
    return waiting, [RecordStep(state.position, state.step_attempt, "waiting", error=event.error), Queue(ready_at)]


def _ready(program: Program, state: RunState, event: Event, now: datetime) -> Decision:
    """Woken, or the lease ran out: whoever comes first may claim it."""
    if state.status is Status.WAITING and isinstance(event, Woken):
        return replace(state, status=Status.READY, wait=waits.for_worker(now)), [Queue(now)]
    if state.status is Status.CLAIMED and isinstance(event, LeaseLost):
        # The status stays `claimed`, so that the next claim counts a crash and looks into the ledger.
        return replace(state, wait=waits.for_worker(now)), [Queue(now)]
    return state, []


def _settled(program: Program, state: RunState, event: Settled, now: datetime) -> Decision:
    if state.status is not Status.UNKNOWN:
        return state, []
    return replace(state, status=Status.READY, wait=waits.for_worker(now)), [Queue(now)]


def _send_again(program: Program, state: RunState, event: SendAgain, now: datetime) -> Decision:
    if state.status is Status.UNKNOWN:
        point = FailurePoint(state.position, state.step_attempt, state.variables)
        failed_at = state.failed_at  # what is in doubt may itself be what a failure led to
    elif state.status is Status.FAILED:
        point, failed_at = _failed_at(program, state), None
    else:
        return state, []
    once_more = replace(
        state,
        status=Status.READY,
        variables=point.variables.copy(),
        position=point.position,
        step_attempt=point.attempt + 1,
        crashes=0,
        error=None,
        output=None,
        wait=waits.for_worker(now),
        failed_at=failed_at,
    )
    return once_more, [Queue(now)]


def _failed_at(program: Program, state: RunState) -> FailurePoint:
    """Return where a failed run is tried again: where it failed first, with what that step was given.

    What came after the failure only tidied up, and what it left in the variables is forgotten. An answer that was
    judged later to mean a failure fails the step that got it; an attempt that no step has had keeps its old receipts
    from being taken for the new ones.
    """
    if state.failed_at is not None:
        return state.failed_at
    name = (state.error or {}).get("step")
    position = next((step.index for step in program.steps if step.name == name), state.position)
    variables = state.variables.copy()
    variables.error = None
    if position == state.position:
        return FailurePoint(position, state.step_attempt, variables)
    attempt = max(state.tries, state.step_attempt)
    return FailurePoint(position, attempt, from_the_beginning(variables) if position == 0 else variables)


def _cancelled(program: Program, state: RunState, event: Cancelled, now: datetime) -> Decision:
    if state.status.is_final:
        return state, []
    error = event.error or {"code": "run.cancelled", "message": "The run was cancelled."}
    return replace(state, status=Status.CANCELLED, wait=None, error=error), [Finish(Status.CANCELLED, None, error)]


def _step(program: Program, state: RunState) -> Step:
    return program.steps[state.position]


_HANDLERS: dict[type, Callable[[Program, RunState, Any, datetime], Decision]] = {
    Claimed: _claimed,
    Done: _done,
    Failed: _failed,
    Again: _again,
    Lost: _lost,
    NotHappened: _not_happened,
    Unchecked: _unchecked,
    Woken: _ready,
    LeaseLost: _ready,
    Settled: _settled,
    SendAgain: _send_again,
    Cancelled: _cancelled,
}
