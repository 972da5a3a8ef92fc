"""What a state machine is made of: states, transitions, hooks, mappings; and what is told of a transition."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.engine.module import Context
from apps.engine.ports import Instance
from apps.engine.run.target import ProcessingTarget

SECTION = "statemachine"
GONE = "its resource was deleted"  # the error of an instance that was ended for this reason
EVENT_KEYS = ("workflowId", "workflowType", "transitionId", "fromState", "toState")  # of a transition, beside its data

Condition = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class State:
    """One state of a definition."""

    name: str
    is_final: bool = False
    is_error: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """One transition of a definition; no condition means always."""

    name: str
    from_state: str
    to_state: str
    condition: Condition | None = None
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """A handler called around transitions; one with `veto` is pure, is asked before the change and may refuse it."""

    index: int
    handler: str
    transitions: frozenset[str]
    from_states: frozenset[str]
    to_states: frozenset[str]
    payload_form: str
    veto: Callable[[Any, Context], Awaitable[Any]] | None = None
    processing: ProcessingTarget | None = None

    def matches(self, transition: Transition) -> bool:
        """Whether this hook belongs to a transition; an empty list takes in all."""
        return (
            (not self.transitions or transition.name in self.transitions)
            and (not self.from_states or transition.from_state in self.from_states)
            and (not self.to_states or transition.to_state in self.to_states)
        )


@dataclass(frozen=True, slots=True)
class ResourceMapping:
    """Resources of `kind` carry the state of this machine's instances; `key_field` of the data names the resource."""

    kind: str
    key_field: str = "id"


@dataclass(frozen=True, slots=True)
class Applied:
    """A transition that took place. `created` says that the instance came into being with it."""

    instance: Instance
    transition: str
    from_state: str
    to_state: str
    created: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form that runs keep as output."""
        return {
            "instanceId": self.instance.key,
            "transition": self.transition,
            "fromState": self.from_state,
            "currentState": self.to_state,
            "success": True,
        }


def is_gone(instance: Instance) -> bool:
    """Whether an instance was ended because its resource was deleted."""
    return instance.completed and instance.error == GONE


def event_of(
    machine: str, instance: Instance, transition: Transition, data: dict[str, Any], at: datetime
) -> dict[str, Any]:
    """Return the event of a transition: what hooks and subscribers are told of it."""
    return {
        "workflowId": instance.key,
        "workflowType": machine,
        "transitionId": transition.name,
        "fromState": transition.from_state,
        "toState": transition.to_state,
        "timestamp": at.isoformat(),
        "data": data,
    }


def payload_of(form: str, event: dict[str, Any]) -> dict[str, Any]:
    """Return what a hook gets: the event, the short message form, or transition data and event together."""
    if form == "message":
        return {
            "workflowId": event["workflowType"],
            "instanceId": event["workflowId"],
            "transition": event["transitionId"],
            "fromState": event["fromState"],
            "toState": event["toState"],
        }
    known = {key: event[key] for key in EVENT_KEYS}
    if form == "flat":
        return {**event["data"], **known}
    return {**known, "timestamp": event["timestamp"], "data": event["data"]}
