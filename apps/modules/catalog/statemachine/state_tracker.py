"""Tells the current state of a resource.

As a step it takes `{resourceType, id}` and returns `{id, resourceType, currentState, previousState, lastUpdate, data}`.
`resourceType` is the name of a state-machine definition (dashes may be underscores) or of a kind of resource that
`resourceMappings` or an `api.handler` ties to one; left out, all definitions are asked in file order.
"""

from typing import Any, ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.outcome import Rejected, StepFailed


class StateTrackerConfig(SettingsModel):
    """`state.tracker` has no settings."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "store"})


class StateTracker(Module[StateTrackerConfig]):
    """The look-up of states."""

    kind = "state.tracker"
    title = "State tracker"
    category = Category.STATEMACHINE
    Config = StateTrackerConfig
    inputs = (ModulePort("question", "data", "`{resourceType, id}`."),)
    outputs = (ModulePort("state", "data", "Where the resource stands."),)

    def __init__(self, name: str, config: StateTrackerConfig) -> None:
        super().__init__(name, config)
        self._links = Links({})

    def link(self, links: Links) -> None:
        """Remember where the machines are found."""
        self._links = links

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Return the state of one resource; fail with 404 when there is no such instance."""
        question = payload if isinstance(payload, dict) else {}
        key = question.get("id")
        if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
            raise Rejected("The state of what? Give an id.", errors=[{"pointer": "/id", "message": "is required"}])
        wanted = question.get("resourceType")
        for machine in self._machines(wanted):
            found = await context.unit.instances.get(machine, str(key))
            if found is not None:
                return {
                    "id": found.key,
                    "resourceType": wanted or found.machine,
                    "currentState": found.state,
                    "previousState": found.previous_state,
                    "lastUpdate": found.updated_at.isoformat() if found.updated_at else None,
                    "data": found.data,
                }
        raise StepFailed(f"There is no {wanted or 'instance'} {key}.", code="state.unknown", status=404)

    def _machines(self, wanted: Any) -> list[str]:
        """Return the definitions to look in, none when the resource type is tied to none."""
        if wanted in (None, ""):
            return list(self._links.machines)
        return [name for name, machine in self._links.machines.items() if _is_tied(wanted, name, machine)]


def _is_tied(wanted: Any, name: str, machine: Any) -> bool:
    return wanted in (name, name.replace("-", "_")) or any(mapping.kind == wanted for mapping in machine.mappings)
