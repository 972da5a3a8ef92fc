"""What a name in a trigger, an API call or a button means: a section, a state machine, a pipeline or a job."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from apps.engine.ids import uuid7
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.sections.event_processor import SECTION as EVENT
from apps.engine.sections.event_processor import Processor
from apps.engine.sections.machine_parts import SECTION as STATEMACHINE
from apps.engine.sections.statemachine import Machine

Start = Callable[[str, Any], NewRun]  # from an action and the caller's data to the run to accept
PUBLISH = "section:messaging"  # entry of the program that publishes one message


class UnknownWorkflow(StepFailed):
    """No section, definition, pipeline or job has this name: 404."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="workflow.unknown", status=404)


class Resolver:
    """The names of one document."""

    def __init__(self, sections: Mapping[str, Start], *names: Mapping[str, Start]) -> None:
        """Take what every section of the document starts, and further names; of two equal ones the first is meant."""
        self._starts: dict[str, Start] = {}
        for starts in reversed((sections, *names)):
            self._starts.update(starts)

    def knows(self, workflow: str) -> bool:
        """Whether `resolve` would find anything of that name."""
        return workflow in self._starts

    def resolve(self, workflow: str, action: str, data: Any) -> NewRun:
        """Return the run to accept; the first of section, definition, pipeline, job that has the name."""
        start = self._starts.get(workflow)
        if start is None:
            raise UnknownWorkflow(f"There is no workflow {workflow!r} in this document.")
        return start(action, data)


def section_starts(
    sections: Iterable[str],
    machines: Mapping[str, Machine],
    pipelines: Iterable[str],
    brokers: Mapping[str, str],
    others: Mapping[str, Start] | None = None,
) -> dict[str, Start]:
    """Return what the sections of a document start; one that runs nothing by itself says so.

    `brokers` says for every name of a broker which one a run publishes with, where there is a choice; `others` are the
    starts of sections that bring their own.
    """
    known: dict[str, Start] = {
        STATEMACHINE: lambda action, data: transition_run(
            _machine_for(machines, data), action.rpartition(":")[2], data
        ),
        "pipelines": _section_of("pipelines", pipeline_starts(pipelines)),
        "messaging": partial(_publish_run, brokers),
        **(others or {}),
    }
    return {name: known.get(name) or partial(_nothing, name) for name in sections}


def definition_starts(machines: Mapping[str, Machine]) -> dict[str, Start]:
    """Return the transitions that definitions start."""
    return {name: partial(transition_run, machine) for name, machine in machines.items()}


def pipeline_starts(pipelines: Iterable[str]) -> dict[str, Start]:
    """Return the pipelines by name."""
    return {name: partial(_pipeline_run, name) for name in pipelines}


def flow_starts(beginnings: Iterable[str]) -> dict[str, Start]:
    """Return the flows over branch nodes, by the module that each begins at."""
    return {name: partial(_flow_run, name) for name in beginnings}


def processor_starts(processor: Processor | None) -> dict[str, Start]:
    """Return what the event processor starts under its own name: one event, whatever the action."""
    if processor is None:
        return {}
    return {processor.name: lambda action, data: processor.run_of(action, {"payload": data}, source="trigger")}


def scheduler_starts(jobs: Mapping[str, Start]) -> dict[str, Start]:
    """Return what the `scheduler` section starts: its jobs by name."""
    return {"scheduler": _section_of("scheduler", jobs)}


def event_section_starts(processor: Processor | None) -> dict[str, Start]:
    """Return what the `event` section starts: `processor` or `processor:pattern`, or the data name it (spec 4.5).

    The pattern says nothing: an event is judged by all of them.
    """
    if processor is None:
        return {}

    def start(action: str, data: Any) -> NewRun:
        said = data.get("processor") if isinstance(data, dict) else None
        named = {action.partition(":")[0], said} - {"", None}
        if named and processor.name not in named:
            raise UnknownWorkflow(f"There is no event processor {action.partition(':')[0] or said!r}.")
        return processor.run_of(action, {"payload": data}, source="trigger")

    return {EVENT: start}


def _section_of(section: str, starts: Mapping[str, Start]) -> Start:
    """Return the start of a section whose actions are the names of its own."""

    def start(action: str, data: Any) -> NewRun:
        if action not in starts:
            return _nothing(section, action, data)
        return starts[action]("", data)

    return start


def _nothing(section: str, action: str, data: Any) -> NewRun:
    raise UnknownWorkflow(f"The section {section!r} has nothing to run under {action!r}.")


def _publish_run(brokers: Mapping[str, str], action: str, data: Any) -> NewRun:
    """Return the run that publishes; the action is `topic` or `broker:topic`, and a run without a topic fails.

    Beside a `message` the data may name the broker too; data without one are the message. `brokers` are the names
    there are, the section's own first.
    """
    broker, named, topic = action.rpartition(":")
    payload = data
    if isinstance(data, dict) and "message" in data:
        payload = data["message"]
        said = data.get("broker")
        if not named and isinstance(said, str) and said:
            broker, named = said, ":"
    if named and broker not in brokers:
        raise UnknownWorkflow(f"There is no broker {broker!r} to publish {topic!r} with.")
    chosen = brokers[broker] if named else ""
    told = {"broker": broker or next(iter(brokers), ""), "topic": topic, "payload": payload}
    return NewRun(
        entry=PUBLISH,
        data=told | ({"through": chosen} if chosen else {}),
        section="messaging",
        action=action,
        workflow="messaging",
        source="trigger",
    )


def _machine_run(machines: Mapping[str, Machine], action: str, data: Any) -> NewRun:
    """Return the run of one transition; the action is `transition` or `engine:transition`."""
    return transition_run(_machine_for(machines, data), action.rpartition(":")[2], data)


def _machine_for(machines: Mapping[str, Machine], data: Any) -> Machine:
    named = (data.get("workflowType") or data.get("workflowName")) if isinstance(data, dict) else None
    if isinstance(named, str) and named in machines:
        return machines[named]
    if named is None and len(machines) == 1:
        return next(iter(machines.values()))
    raise UnknownWorkflow(f"Name the state machine in workflowType; there are: {', '.join(machines)}.")


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


def _flow_run(name: str, action: str, data: Any) -> NewRun:
    return NewRun(entry=f"flow:{name}", data=data, section="flow", action=action, workflow=name, source="trigger")


def _pipeline_run(name: str, action: str, data: Any) -> NewRun:
    return NewRun(
        entry=f"pipeline:{name}", data=data, section="pipelines", action=action, workflow=name, source="trigger"
    )
