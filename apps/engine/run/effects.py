"""The effect ledger around a call that leaves the house: an intent before, a receipt after (engine.md law 5)."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from apps.engine.module import Context, Effect
from apps.engine.outcome import Outcome, StepFailed, TryAgain
from apps.engine.run.program import step_id
from apps.engine.run.state import Receipt

RECEIPT = "receipt"  # key of Context.state under which the durable driver hands in what an earlier claim got back


async def with_ledger(
    context: Context, *, step: str, kind: str, effect: Effect, call: Callable[[], Awaitable[Any] | Any]
) -> Any:
    """Do `call` between intent and receipt; a receipt handed in by the driver replaces the call."""
    known: Receipt | None = context.state.pop(RECEIPT, None)
    if known is not None:
        return Outcome(known.value, known.failed_as_result)
    identity = context.step_id = step_id(context.run_id, step)
    ledger = context.unit.effects
    await ledger.intend(identity, context.attempt, kind=kind, effect=effect.value, key=str(identity))
    try:
        result = call()
        if isinstance(result, Awaitable):
            result = await result
    except StepFailed as failure:
        await _keep(context, identity, Receipt(error=error_of(failure, final=True)))
        raise
    except TryAgain as pause:
        await _keep(context, identity, Receipt(error=error_of(pause)))
        raise
    outcome = result if isinstance(result, Outcome) else Outcome(result)
    await _keep(context, identity, Receipt(outcome.value, failed_as_result=outcome.failed_as_result))
    return outcome


async def _keep(context: Context, identity: UUID, receipt: Receipt) -> None:
    """Record a receipt; when the host finds it too large, record that, since the call has been answered."""
    ledger = context.unit.effects
    try:
        await ledger.receipt(identity, context.attempt, receipt.as_dict())
    except StepFailed as refused:
        await ledger.receipt(identity, context.attempt, Receipt(error=error_of(refused, final=True)).as_dict())
        raise


def failed(error: dict[str, Any]) -> StepFailed:
    """Return the failure that a run's stored error tells of."""
    message, code = str(error.get("message", "The run failed.")), str(error.get("code", "step.failed"))
    failure = StepFailed(message, code=code, data=error.get("data"), status=int(error.get("status", 500)))
    failure.step = str(error.get("step", ""))
    return failure


def error_of(failure: StepFailed | TryAgain, *, final: bool = False) -> dict[str, Any]:
    """Return the JSON form of a failure, as runs and receipts store it."""
    error: dict[str, Any] = {"code": failure.code, "message": str(failure)}
    if isinstance(failure, StepFailed):
        error["status"] = failure.status
    elif failure.after is not None:
        error["after"] = failure.after
    if failure.data is not None:
        error["data"] = failure.data
    if final:
        error["final"] = True
    return error
