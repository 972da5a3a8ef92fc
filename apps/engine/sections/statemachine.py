"""State machines at run time: the transition algorithm, its hooks, and what follows a committed change.

A transition locks the instance, checks state and condition, lets the vetoing hooks speak, and writes state, history,
messages and follow-up runs in the caller's unit: they become visible together. Hooks with effects run afterwards, one
after the other in file order, as durable runs; then one automatic transition follows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import Rejected
from apps.engine.ports import AlreadyExists, Instance, NewRun, TransitionRecord
from apps.engine.sections.machine_judging import ask_hooks, check_state, holds, may_hold
from apps.engine.sections.machine_parts import (
    GONE,
    SECTION,
    Applied,
    Hook,
    ResourceMapping,
    State,
    Transition,
    event_of,
)

DELETED, RESTARTED = "(deleted)", "(restarted)"  # in a history: no transition, but what befell the resource
ID_KEYS = ("instanceId", "id", "resourceId", "conversationId", "orderId")


@dataclass(slots=True)
class Machine:
    """One definition, compiled. It holds no instance: those live behind `context.unit.instances`."""

    name: str
    initial_state: str
    states: dict[str, State]
    transitions: dict[str, Transition]
    engine: str = ""
    description: str = ""
    auto_start: bool = False
    hooks: tuple[Hook, ...] = ()
    mappings: tuple[ResourceMapping, ...] = ()
    id_keys: tuple[str, ...] = ID_KEYS
    is_heard: Callable[[str], bool] = field(default=lambda topic: False)  # whether anybody subscribes to a topic

    # --- asking ---------------------------------------------------------------------------------------------------

    def transition(self, name: str) -> Transition:
        """Return a transition; raise `Rejected` naming those there are."""
        found = self.transitions.get(name)
        if found is None:
            known = ", ".join(self.transitions)
            raise Rejected(f"{self.name} has no transition {name!r}; it has {known}.", code="transition.unknown")
        return found

    def instance_key(self, data: Any) -> str | None:
        """Return the instance id that `data` names, None when it names none."""
        if not isinstance(data, dict):
            return None
        found = (data.get(key) for key in self.id_keys)
        return next((str(value) for value in found if isinstance(value, str | int) and value != ""), None)

    def autos_from(self, state: str) -> list[Transition]:
        """Return the automatic transitions out of a state, in file order."""
        return [found for found in self.transitions.values() if found.automatic and found.from_state == state]

    def available(self, instance: Instance) -> list[str]:
        """Return the transitions that leave the instance's state and whose condition holds now."""
        return [
            transition.name
            for transition in self.transitions.values()
            if transition.from_state == instance.state and may_hold(transition, instance.data)
        ]

    # --- changing -------------------------------------------------------------------------------------------------

    async def create(self, context: Context, key: str, data: dict[str, Any] | None = None) -> Instance:
        """Store a new instance in the initial state; raise `AlreadyExists`."""
        now = context.unit.clock.now()
        state = self.states[self.initial_state]
        instance = Instance(
            self.name, key, state.name, data=dict(data or {}), completed=state.is_final, started_at=now, updated_at=now
        )
        await context.unit.instances.create(instance)
        if self.auto_start and self.autos_from(state.name):
            self._start_auto(context, instance)
        return instance

    async def end(self, context: Context, instance: Instance) -> None:
        """End a (locked) instance whose resource is deleted: nothing moves it any more, its history is kept."""
        instance.completed, instance.error, instance.updated_at = True, GONE, context.unit.clock.now()
        record = TransitionRecord(DELETED, instance.state, instance.state, {})
        await context.unit.instances.save(instance, record)

    async def restart(self, context: Context, instance: Instance, data: dict[str, Any]) -> None:
        """Put a (locked) instance back to the initial state with new data, behind the history it has."""
        state = self.states[self.initial_state]
        record = TransitionRecord(RESTARTED, instance.state, state.name, {})
        instance.previous_state, instance.state, instance.data = None, state.name, dict(data)
        instance.completed, instance.error = state.is_final, None
        instance.updated_at = context.unit.clock.now()
        await context.unit.instances.save(instance, record)
        if self.auto_start and self.autos_from(state.name):
            self._start_auto(context, instance)

    async def apply(
        self,
        context: Context,
        key: str,
        transition: str,
        data: dict[str, Any] | None = None,
        *,
        create: bool = True,
    ) -> Applied:
        """Do one transition of one instance, inside the caller's unit.

        Raises `Rejected`: `instance.unknown` (404), `transition.unknown`, `transition.wrong_state` (with expected and
        actual state), `instance.completed`, `transition.condition`, `transition.vetoed` (all 400), and `expression.*`
        (422) for a condition or a hook that cannot be evaluated. A lost race is `LostRace`, from the store.
        """
        chosen = self.transition(transition)
        instance, created = await self._locked(context, key, data, create=create)
        check_state(self.name, instance, chosen)
        merged = {**instance.data, **(data or {})}
        if not holds(chosen, merged):
            raise Rejected(
                f"The condition of {chosen.name} does not hold for {self.name} {key}.",
                code="transition.condition",
                errors=[{"pointer": "", "message": "the condition is false"}],
            )
        event = event_of(self.name, instance, chosen, merged, context.unit.clock.now())
        await ask_hooks(self.hooks, context, chosen, event)
        await self._commit(context, instance, chosen, merged, data or {})
        self._announce(context, event)
        self._follow(context, instance, chosen, event)
        return Applied(instance, chosen.name, chosen.from_state, chosen.to_state, created)

    async def apply_auto(self, context: Context, key: str, state: str) -> Applied | None:
        """Do the first automatic transition that is possible, if the instance still is in `state`."""
        instance = await context.unit.instances.get(self.name, key, lock=True)
        if instance is None or instance.state != state or instance.completed:
            return None
        for transition in self.autos_from(state):
            if holds(transition, instance.data):
                return await self.apply(context, key, transition.name, create=False)
        return None

    async def _locked(
        self, context: Context, key: str, data: dict[str, Any] | None, *, create: bool
    ) -> tuple[Instance, bool]:
        instance = await context.unit.instances.get(self.name, key, lock=True)
        if instance is not None:
            return instance, False
        if not create:
            raise Rejected(f"There is no {self.name} {key}.", code="instance.unknown", status=404)
        now = context.unit.clock.now()
        fresh = Instance(self.name, key, self.initial_state, data=dict(data or {}), started_at=now, updated_at=now)
        try:
            await context.unit.instances.create(fresh)
        except AlreadyExists:
            found = await context.unit.instances.get(self.name, key, lock=True)
            if found is None:
                raise
            return found, False
        return fresh, True

    async def _commit(
        self,
        context: Context,
        instance: Instance,
        transition: Transition,
        merged: dict[str, Any],
        given: dict[str, Any],
    ) -> None:
        state = self.states[transition.to_state]
        instance.previous_state, instance.state = instance.state, state.name
        instance.data = merged
        instance.updated_at = context.unit.clock.now()
        instance.completed = state.is_final
        instance.error = f"ended in {state.name}" if state.is_final and state.is_error else None
        if instance.error and isinstance(given.get("error"), str):
            instance.error = given["error"]
        record = TransitionRecord(transition.name, transition.from_state, transition.to_state, given)
        await context.unit.instances.save(instance, record)
        for mapping in self.mappings:
            await _mirror(context, mapping, instance)

    def _announce(self, context: Context, event: dict[str, Any]) -> None:
        """Publish the change to whoever subscribes to `statemachine.<definition>.<transition>`."""
        topic = f"statemachine.{self.name}.{event['transitionId']}"
        if self.is_heard(topic) or context.unit.broker.is_linked(topic):
            context.unit.broker.publish(topic, event, key=event["workflowId"], on_bus=True)

    def _follow(self, context: Context, instance: Instance, transition: Transition, event: dict[str, Any]) -> None:
        later = [hook.index for hook in self.hooks if hook.veto is None and hook.matches(transition)]
        if later:
            self.start_step(context, event, later)
        elif not instance.completed and self.autos_from(instance.state):
            self._start_auto(context, instance)

    def start_step(self, context: Context, event: dict[str, Any], hooks: list[int]) -> None:
        """Start the run of the first of `hooks`; it starts the next one when it is done."""
        context.unit.runs.start(
            NewRun(
                entry=f"step:{self.name}:{hooks[0]}",
                data={**event, "remaining": hooks[1:]},
                section=SECTION,
                action=event["transitionId"],
                workflow=self.name,
                source="hook",
                correlation=event["workflowId"],
                parent=context.run_id,
            )
        )

    def _start_auto(self, context: Context, instance: Instance) -> None:
        context.unit.runs.start(
            NewRun(
                entry=f"auto:{self.name}",
                data={"instanceId": instance.key, "state": instance.state},
                section=SECTION,
                action="auto",
                workflow=self.name,
                source="auto",
                correlation=instance.key,
                parent=context.run_id,
            )
        )

    def follow_auto(self, context: Context, instance: Instance, state: str) -> None:
        """Start the automatic transition out of `state`, if the instance still is there."""
        if instance.state == state and not instance.completed and self.autos_from(state):
            self._start_auto(context, instance)


async def _mirror(context: Context, mapping: ResourceMapping, instance: Instance) -> None:
    """Let the mapped resource, when there is one, show the instance's state."""
    key = instance.data.get(mapping.key_field, instance.key)
    resource = await context.unit.resources.get(mapping.kind, str(key), lock=True)
    if resource is not None and resource.state != instance.state:
        resource.state = instance.state
        resource.updated_at = instance.updated_at
        await context.unit.resources.save(resource)
