"""What a name in a trigger, an API call or a button means: a section, a state machine or a pipeline."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.engine.ids import uuid7
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.sections.statemachine import SECTION as STATEMACHINE
from apps.engine.sections.statemachine import Machine

PUBLISH = "section:messaging"  # entry of the program that publishes one message


class UnknownWorkflow(StepFailed):
    """No section, definition or pipeline has this name: 404."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="workflow.unknown", status=404)


class Resolver:
    """The names of one document."""

    def __init__(
        self,
        sections: Iterable[str],
        machines: Mapping[str, Machine],
        pipelines: Iterable[str],
        brokers: Iterable[str] = (),
    ) -> None:
        self._sections = frozenset(sections)
        self._machines = machines
        self._pipelines = frozenset(pipelines)
        self._brokers = frozenset(brokers)

    def knows(self, workflow: str) -> bool:
        """Whether `resolve` would find anything of that name."""
        return workflow in self._sections or workflow in self._machines or workflow in self._pipelines

    def resolve(self, workflow: str, action: str, data: Any) -> NewRun:
        """Return the run to accept; the first of section, definition, pipeline that has the name."""
        if workflow in self._sections:
            return self._of_section(workflow, action, data)
        machine = self._machines.get(workflow)
        if machine is not None:
            return transition_run(machine, action, data)
        if workflow in self._pipelines:
            return _pipeline_run(workflow, action, data)
        raise UnknownWorkflow(f"There is no workflow {workflow!r} in this document.")

    def _of_section(self, section: str, action: str, data: Any) -> NewRun:
        if section == STATEMACHINE:
            return transition_run(self._machine_for(data), action.rpartition(":")[2], data)
        if section == "pipelines" and action in self._pipelines:
            return _pipeline_run(action, "", data)
        if section == "messaging":
            return self._publish_run(action, data)
        raise UnknownWorkflow(f"The section {section!r} has nothing to run under {action!r}.")

    def _publish_run(self, action: str, data: Any) -> NewRun:
        """Return the run that publishes; the action is `topic` or `broker:topic`, and a run without a topic fails."""
        broker, named, topic = action.rpartition(":")
        if named and broker not in self._brokers:
            raise UnknownWorkflow(f"There is no broker {broker!r} to publish {topic!r} with.")
        payload = data["message"] if isinstance(data, dict) and "message" in data else data
        return NewRun(
            entry=PUBLISH,
            data={"topic": topic, "payload": payload},
            section="messaging",
            action=action,
            workflow="messaging",
            source="trigger",
        )

    def _machine_for(self, data: Any) -> Machine:
        named = (data.get("workflowType") or data.get("workflowName")) if isinstance(data, dict) else None
        if isinstance(named, str) and named in self._machines:
            return self._machines[named]
        if named is None and len(self._machines) == 1:
            return next(iter(self._machines.values()))
        known = ", ".join(self._machines)
        raise UnknownWorkflow(f"Name the state machine in workflowType; there are: {known}.")


def transition_run(machine: Machine, action: str, data: Any, *, source: str = "trigger") -> NewRun:
    """Return the run that does one transition; an instance that `data` does not name is a new one."""
    key = machine.instance_key(data) or str(uuid7())
    given = data if isinstance(data, dict) else {"payload": data}
    return NewRun(
        entry=f"transition:{machine.name}",
        data={"instanceId": key, "transition": action, "data": given},
        section=STATEMACHINE,
        action=action,
        workflow=machine.name,
        source=source,
        correlation=key,
    )


def _pipeline_run(name: str, action: str, data: Any) -> NewRun:
    return NewRun(
        entry=f"pipeline:{name}", data=data, section="pipelines", action=action, workflow=name, source="trigger"
    )
