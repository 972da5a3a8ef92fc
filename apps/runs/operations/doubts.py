"""The three buttons on an effect in doubt: check, it happened, send again (engine.md law 5)."""

from typing import Any
from uuid import UUID

from apps.core import audit
from apps.core.errors import NotFound
from apps.core.scope import Actor, current_tenant
from apps.core.sealing import seal
from apps.engine.run.state import Receipt, SendAgain, Settled
from apps.runs.adapters import control
from apps.runs.adapters.payloads import PayloadTooLarge, dumped
from apps.runs.errors import EffectSettled, PayloadRefused
from apps.runs.models import EffectEntry, Step
from apps.runs.operations.runs import run_settle
from apps.runs.policy import SETTLE_EFFECTS
from apps.runs.queries.runs import run_get
from apps.runs.rules.sealing import RECEIPT
from apps.tenants.policy import require


def effect_check(*, step_id: UUID, actor: Actor) -> dict[str, Any]:
    """Look once more whether a receipt has come; settle the effect when it has, else raise `EffectSettled`."""
    step = _in_doubt(step_id, actor)
    entry = EffectEntry.objects.filter(step_key=step.key, attempt=step.attempt).first()
    if entry is None or entry.receipt is None:
        raise EffectSettled("No receipt has come; say what happened, or send again.", code="effect.no-receipt")
    return _settled(step, Settled(), "effect.check")


def effect_happened(*, step_id: UUID, value: Any, actor: Actor) -> dict[str, Any]:
    """Take a person's word that the effect happened; `value` stands for what the target answered.

    Raises `EffectSettled`, and `PayloadRefused` for a value that is too large.
    """
    step = _in_doubt(step_id, actor)
    try:
        receipt = dumped(Receipt(value).as_dict())
    except PayloadTooLarge as refused:
        raise PayloadRefused(refused.message) from None
    sealed = seal(receipt, current_tenant(), RECEIPT)
    control.execute(control.SQL.receipt_by_person, (sealed, step.key, step.attempt))
    return _settled(step, Settled(), "effect.happened")


def effect_send_again(*, step_id: UUID, actor: Actor) -> dict[str, Any]:
    """Do the effect once more, at a person's risk."""
    return _settled(_in_doubt(step_id, actor), SendAgain(), "effect.send-again")


def _in_doubt(step_id: UUID, actor: Actor) -> Step:
    require(actor, SETTLE_EFFECTS)
    step = Step.objects.select_for_update().filter(id=step_id).first()
    if step is None:
        raise NotFound("There is no such step.")
    if step.state != "unknown":
        raise EffectSettled(f"The step is {step.state}.")
    return step


def _settled(step: Step, event: Settled | SendAgain, verb: str) -> dict[str, Any]:
    run_settle(run_id=step.run_id, event=event)
    Step.objects.filter(id=step.id).update(state="waiting")
    audit.record(verb=verb, target="run", target_id=step.run_id, details={"step": step.name})
    return run_get(run_id=step.run_id)
