"""What a hook with effects does after the commit: one program per hook, `step:<definition>:<index>`.

Its first part calls the handler with the handler's own retries. The last step, `settle`, runs whether that succeeded or
not: it merges the result into the instance, does the success or the compensating transition, and starts what is next.
"""

from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import ExpressionFailed, Rejected
from apps.engine.ports import Instance
from apps.engine.run.assembly import Plain, unwind
from apps.engine.run.effects import error_of
from apps.engine.run.program import END, StepCall, Variables
from apps.engine.sections.machine_parts import EVENT_KEYS, Applied, Hook, is_gone, payload_of
from apps.engine.sections.statemachine import Machine

RESULT = "result"  # name of the handler's step
FAILED_STATUS = frozenset({"declined", "failed", "error"})
LATE = frozenset({"transition.wrong_state", "instance.completed", "instance.unknown"})


def hook_payload(hook: Hook) -> Any:
    """Return the function that makes a hook's payload from the run's input."""
    form = hook.payload_form
    return lambda variables, context: payload_of(form, variables.input)


def settle_node(machine: Machine, hook: Hook) -> Plain:
    """Return the last step of a hook's program."""

    def build(scope: Any, after: int) -> StepCall:
        async def call(variables: Variables, context: Context) -> tuple[Any, int]:
            unwind(variables)
            return await _Settling(machine, hook, variables, context).settle(), END

        return call

    return Plain("settle", build, name="settle", is_async=True, writes=True)


def failure_in(result: Any, hook: Hook) -> str | None:
    """Return why an answer means failure (D6): by `successWhen`, else by the usual words; None when it is fine."""
    if hook.processing is None:
        return None
    when = hook.processing.success_when
    if when is not None:
        variables = Variables(result)
        variables.remember(RESULT, result)
        return None if when(variables.names) else "successWhen is not fulfilled"
    if not isinstance(result, dict):
        return None
    if result.get("available") is False:
        return str(result.get("reason") or "not available")
    status = result.get("status")
    if isinstance(status, str) and status.lower() in FAILED_STATUS:
        return str(result.get("reason") or result.get("message") or f"status {status}")
    return None


def without_event(result: Any, event: dict[str, Any]) -> Any:
    """Return an answer without what it only passes on of the event: a pipeline's data are the event's keys too."""
    if not isinstance(result, dict):
        return result
    return {key: value for key, value in result.items() if key not in EVENT_KEYS or event.get(key) != value}


class _Settling:
    """One settling of one hook run."""

    def __init__(self, machine: Machine, hook: Hook, variables: Variables, context: Context) -> None:
        self.machine, self.hook, self.variables, self.context = machine, hook, variables, context
        self.event: dict[str, Any] = variables.input
        self.key: str = self.event["workflowId"]

    async def settle(self) -> dict[str, Any]:
        instance = await self.context.unit.instances.get(self.machine.name, self.key, lock=True)
        if instance is None or is_gone(instance):
            self.context.log(f"{self.machine.name} {self.key} is gone; the result is dropped.", "warning")
            return {"dropped": True}
        reason = self._reason()
        error = self.variables.error
        result = without_event(self.variables.steps.get(RESULT), self.event)
        if isinstance(result, dict) and error is None and result != instance.data:
            instance.data = {**instance.data, **result}
        if error is not None or reason is not None:
            return await self._failed(instance, reason or str((error or {}).get("message", "failed")))
        if not self._ended_in_error(instance):
            instance.error = None
        instance.updated_at = self.context.unit.clock.now()
        await self.context.unit.instances.save(instance)
        return await self._succeeded(result)

    def _reason(self) -> str | None:
        """Return why the answer means failure; one that `successWhen` cannot judge is an error of the run."""
        if self.variables.error:
            return None
        try:
            said: str | None = self.variables.steps.get("failed_as_result")
            return said or failure_in(self.variables.steps.get(RESULT), self.hook)
        except ExpressionFailed as failure:
            self.variables.error = {**error_of(failure), "step": RESULT}
            return None

    def _ended_in_error(self, instance: Instance) -> bool:
        """Whether the instance's error is the end that its machine gave it, not the trouble of an earlier try."""
        state = self.machine.states.get(instance.state)
        return instance.completed and state is not None and state.is_error

    async def _succeeded(self, result: Any) -> dict[str, Any]:
        name = self.hook.processing.success_transition if self.hook.processing else ""
        try:
            applied = await self._transition(name, result if isinstance(result, dict) else {})
        except Rejected as refusal:
            return await self._refused(refusal)
        await self._next()
        return {"transition": None if applied is None else applied.transition, "compensated": False}

    async def _failed(self, instance: Instance, reason: str) -> dict[str, Any]:
        """Compensate, or leave the error on the instance: after the commit nothing can be taken back silently (D5)."""
        instance.error = reason
        instance.updated_at = self.context.unit.clock.now()
        await self.context.unit.instances.save(instance)
        name = self.hook.processing.compensate_transition if self.hook.processing else ""
        applied: Applied | None = None
        try:
            applied = await self._transition(name, {"error": reason})
        except Rejected as refusal:
            return await self._refused(refusal)
        if applied is None and self.variables.error is None:
            self.variables.error = {"code": "step.failed_as_result", "message": reason, "step": RESULT}
        return {"transition": None if applied is None else applied.transition, "compensated": applied is not None}

    async def _transition(self, name: str, data: dict[str, Any]) -> Applied | None:
        """Do the follow-up transition, unless there is none, it led here itself, or it is done already (D7)."""
        if not name or name == self.event["transitionId"]:
            return None
        try:
            return await self.machine.apply(self.context, self.key, name, data, create=False)
        except Rejected as refusal:
            if refusal.code not in LATE:
                raise
            self.context.log(f"{name} was not done: {refusal.message}", "warning")
            return None

    async def _refused(self, refusal: Rejected) -> dict[str, Any]:
        instance = await self.context.unit.instances.get(self.machine.name, self.key, lock=True)
        if instance is not None:
            instance.error = refusal.message
            await self.context.unit.instances.save(instance)
        self.variables.error = {"code": refusal.code, "message": refusal.message, "step": RESULT}
        return {"transition": None, "compensated": False}

    async def _next(self) -> None:
        remaining = self.event.get("remaining") or []
        instance = await self.context.unit.instances.get(self.machine.name, self.key, lock=True)
        if instance is None:
            return
        if remaining:
            event = {**self.event, "data": {**self.event["data"], **instance.data}}
            self.machine.start_step(self.context, event, remaining)
        else:
            self.machine.follow_auto(self.context, instance, self.event["toState"])
