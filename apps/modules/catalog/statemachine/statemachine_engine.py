"""Runs the state machines that the `statemachine` section defines.

Instances are rows: every transition locks its instance, checks the state and the condition, lets the vetoing hooks
speak, and commits state, history and messages together. Processing steps follow as runs of their own.

As a step it takes `{workflow, id, transition, data}` and returns `{id, state, previousState, completed}`: `workflow`
names the definition (needed only when the document has several), `id` the instance, made when there is none; without
`transition` it is only made. Without `id` it is the one that `data` names (`instanceId`, `id`, `orderId` and their
like), else a new one that follows from the step, so that a repeat means the same.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict

from apps.engine.config_types import SettingsModel
from apps.engine.ids import uuid7
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.outcome import Rejected
from apps.engine.ports import Instance
from apps.engine.sections.statemachine import Machine
from apps.engine.step_input import read_input


class StatemachineEngineConfig(SettingsModel):
    """`statemachine.engine` has no settings; the section holds the definitions."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "initialState", "initial_state", "stateTracker"})


class TransitionRequest(BaseModel):
    """What a step asks of the engine."""

    model_config = ConfigDict(extra="forbid")

    workflow: str | None = None
    id: str | int | None = None
    transition: str | None = None
    data: dict[str, Any] = {}


class StatemachineEngine(Module[StatemachineEngineConfig]):
    """The engine of the `statemachine` section."""

    kind = "statemachine.engine"
    title = "State machine"
    category = Category.STATEMACHINE
    Config = StatemachineEngineConfig
    writes = True
    inputs = (ModulePort("transitions", "event", "Transitions asked for by routes, steps and triggers."),)
    outputs = (ModulePort("changes", "event", "State changes, to hooks and processing steps."),)

    def __init__(self, name: str, config: StatemachineEngineConfig) -> None:
        super().__init__(name, config)
        self._links = Links({})

    def link(self, links: Links) -> None:
        """Remember where the machines are found."""
        self._links = links

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Make an instance, or do one transition; raise `Rejected` as `Machine.apply` does."""
        asked = read_input(TransitionRequest, payload, asked="The engine cannot do this.", code="machine.bad_request")
        machine = self._machine(asked.workflow)
        key = str(asked.id) if asked.id not in (None, "") else machine.instance_key(asked.data) or _new_key(context)
        if asked.transition:
            applied = await machine.apply(context, key, asked.transition, asked.data)
            return _shown(applied.instance)
        found = await context.unit.instances.get(machine.name, key)
        return _shown(found or await machine.create(context, key, asked.data))

    def _machine(self, wanted: str | None) -> Machine:
        machines: Mapping[str, Machine] = self._links.machines
        mine = {name: machine for name, machine in machines.items() if machine.engine in ("", self.name)}
        if wanted in mine:
            return mine[wanted]
        if wanted is None and len(mine) == 1:
            return next(iter(mine.values()))
        known = ", ".join(sorted(mine)) or "none"
        message = f"Which definition? {self.name} runs: {known}."
        raise Rejected(message, errors=[{"pointer": "/workflow", "message": message}], code="machine.unknown")


def _new_key(context: Context) -> str:
    return str(uuid7() if context.step_id is None else uuid5(NAMESPACE_URL, f"{context.step_id}/instance"))


def _shown(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.key,
        "state": instance.state,
        "previousState": instance.previous_state,
        "completed": instance.completed,
    }
