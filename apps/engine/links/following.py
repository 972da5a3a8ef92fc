"""What a message becomes over a link: a run at the target, or a message there; and how rings come to an end.

A run that a link made, what it publishes and the runs that follow carry the links passed so far (`hops.py`). The same
link twice, or more than `MOST_HOPS` of them, is refused: what would go round for ever ends as a dead letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from apps.engine.application import Application
from apps.engine.events import QUIET_HEADER, REQUEST_HEADER
from apps.engine.hops import DEPTH_HEADER, HOPS_HEADER, LINKS_HEADER, MOST_HOPS, Way, refuse_ring, way_of
from apps.engine.links.record import FORWARD, TRIGGER
from apps.engine.message_objects import object_of
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.subscription import Arrived
from apps.engine.trigger import PUBLISH, UnknownWorkflow

SOURCE = "link"  # of the runs that links make
FORWARDED_HEADER = "weft-forwarded"  # the same topic over again: subscriptions have heard it already
OWN_HEADERS = frozenset({HOPS_HEADER, LINKS_HEADER, DEPTH_HEADER, FORWARDED_HEADER, QUIET_HEADER, REQUEST_HEADER})


class LinkLoop(StepFailed):
    """A message has come over this link before, or over too many of them."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="link.loop")


@dataclass(frozen=True, slots=True)
class Link:
    """One link, as whoever delivers its messages needs it."""

    id: str
    source: str  # the id of the workflow whose events it takes in
    link_type: str
    target_action: str = ""
    params: Mapping[str, Any] | None = None

    def text(self) -> str:
        """Return the JSON form."""
        said = {
            "id": self.id,
            "source": self.source,
            "link_type": self.link_type,
            "target_action": self.target_action,
            "params": self.params,
        }
        return orjson.dumps(said).decode()

    @classmethod
    def read(cls, text: str) -> "Link":
        """Rebuild from `text`."""
        return cls(**orjson.loads(text))

    def run(self, target: Application, arrived: Arrived, key: str | None, headers: Mapping[str, str] | None) -> NewRun:
        """Return the run at the target that a message becomes; raise `StepFailed` when none can be made of it."""
        if self.link_type == TRIGGER:
            return self._triggered(target, arrived)
        named = _named(target, self.target_action) if self.link_type != FORWARD else None
        if named is not None or (self.link_type != FORWARD and ":" in self.target_action):
            return self._triggered(target, arrived)
        return self._forwarded(target, arrived, key, headers)

    def passed(self, headers: Mapping[str, str] | None) -> Way:
        """Return the way of what a message becomes over this link; raise `LinkLoop`, or `StepFailed` when too deep."""
        before = way_of(headers)
        refuse_ring(before)
        if self.id in before.links:
            raise LinkLoop("The message has come over this link before: the links go round in a circle.")
        if len(before.links) >= MOST_HOPS:
            raise LinkLoop(f"The message has come over {MOST_HOPS} links, and goes no further.")
        return replace(before, links=(*before.links, self.id))

    def _triggered(self, target: Application, arrived: Arrived) -> NewRun:
        workflow, action = _named(target, self.target_action) or _only(target, self.target_action)
        told = {"source_workflow_id": self.source, "event_type": arrived.topic, "event_data": arrived.payload}
        run = target.resolve(workflow, action, {**(object_of(arrived.payload) or {}), **told, **(self.params or {})})
        return replace(run, source=SOURCE, correlation=run.correlation or arrived.id)

    def _forwarded(
        self, target: Application, arrived: Arrived, key: str | None, headers: Mapping[str, str] | None
    ) -> NewRun:
        if target.program(PUBLISH) is None:
            raise StepFailed("The target of the link has no broker to publish with.", code="link.no_broker")
        topic = self.target_action or arrived.topic
        kept = {name: value for name, value in (headers or {}).items() if name not in OWN_HEADERS}
        if topic == arrived.topic:
            kept[FORWARDED_HEADER] = "1"
        return NewRun(
            entry=PUBLISH,
            data={"topic": topic, "payload": arrived.payload, "key": key, "headers": kept},
            section="messaging",
            action=topic,
            workflow="messaging",
            source=SOURCE,
            correlation=arrived.id,
        )


def is_forwarding(source: str, entry: str) -> bool:
    """Whether a run does nothing but pass a message on; such a run has no lifecycle events."""
    return source == SOURCE and entry == PUBLISH


def _named(target: Application, written: str) -> tuple[str, str] | None:
    """Read `workflow:action`, `workflow/action`, `workflow.action` or a workflow alone, where the target has it."""
    if target.resolver.knows(written):
        return written, ""
    for separator in ":/.":
        workflow, found, action = written.partition(separator)
        if found and target.resolver.knows(workflow):
            return workflow, action
    return None


def _only(target: Application, action: str) -> tuple[str, str]:
    """Return the only definition of the target for an action that names none: its state machine, else its pipeline."""
    pipelines = [entry.partition(":")[2] for entry in target.programs if entry.startswith("pipeline:")]
    for names in (list(target.machines), pipelines):
        if len(names) == 1:
            return names[0], action
    raise UnknownWorkflow(f"The link's target has no workflow {action!r}, and not exactly one to do it by itself.")
