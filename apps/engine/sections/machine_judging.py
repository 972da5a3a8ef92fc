"""Whether a transition may take place: the instance's state, the condition, and the hooks that may refuse it."""

import asyncio
from collections.abc import Iterable
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import ExpressionFailed, Rejected, StepFailed
from apps.engine.ports import Instance
from apps.engine.run.program import Variables
from apps.engine.sections.machine_parts import GONE, Hook, Transition, is_gone, payload_of

VETO_SECONDS = 2.0


def check_state(machine: str, instance: Instance, transition: Transition) -> None:
    """Raise `Rejected` unless the instance is where the transition begins: `instance.completed`, or the wrong state."""
    if is_gone(instance):
        raise Rejected(f"{machine} {instance.key} has ended: {GONE}.", code="instance.completed")
    if instance.state == transition.from_state:
        return
    expected, actual = transition.from_state, instance.state
    place = {"pointer": "", "message": f"expected state {expected}, actual state {actual}"}
    if instance.completed:
        raise Rejected(
            f"{machine} {instance.key} is completed in state {actual}; {transition.name} needs {expected}.",
            code="instance.completed",
            errors=[place],
        )
    raise Rejected(
        f"{transition.name} needs state {expected}, but {machine} {instance.key} is in state {actual}.",
        code="transition.wrong_state",
        errors=[place],
    )


def holds(transition: Transition, data: dict[str, Any]) -> bool:
    """Whether a condition holds; raise `Rejected` when it cannot be evaluated."""
    if transition.condition is None:
        return True
    try:
        return bool(transition.condition(Variables(data).names))
    except ExpressionFailed as failure:
        raise _undecided(f"The condition of {transition.name}", failure) from failure


def may_hold(transition: Transition, data: dict[str, Any]) -> bool:
    """Whether a condition holds; one that cannot be evaluated does not."""
    try:
        return holds(transition, data)
    except Rejected:
        return False


async def ask_hooks(hooks: Iterable[Hook], context: Context, transition: Transition, event: dict[str, Any]) -> None:
    """Let the hooks that may refuse a transition speak; raise `Rejected` code `transition.vetoed` when one does.

    Raises `StepFailed` code `hook.timeout` for one that takes longer than `VETO_SECONDS`.
    """
    for hook in hooks:
        if hook.veto is None or not hook.matches(transition):
            continue
        try:
            async with asyncio.timeout(VETO_SECONDS):
                await hook.veto(payload_of(hook.payload_form, event), context)
        except TimeoutError:
            raise StepFailed(
                f"The hook {hook.handler} took longer than {VETO_SECONDS:g} s.", code="hook.timeout", status=503
            ) from None
        except ExpressionFailed as failure:
            raise _undecided(f"The hook {hook.handler}", failure) from failure
        except StepFailed as refusal:
            raise Rejected(
                f"{hook.handler} refused {transition.name}: {refusal.message}",
                code="transition.vetoed",
                errors=getattr(refusal, "errors", []),
            ) from refusal


def _undecided(what: str, failure: ExpressionFailed) -> Rejected:
    """Return the refusal of a transition of which nobody can say whether it may take place."""
    message = f"{what} cannot be evaluated. {failure.message}"
    refusal = Rejected(message, errors=failure.errors, code=failure.code, status=failure.status)
    refusal.step = failure.step
    return refusal
