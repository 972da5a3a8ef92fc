"""What judges the events of a document while it runs (spec/modules.md 4.5); `event.py` compiles it."""

from dataclasses import dataclass, field
from typing import Any

from apps.engine.event_buffer import EPOCH, MICROSECOND, Keeping, open_buffer
from apps.engine.message_objects import object_of, own_type, required_object
from apps.engine.module import Context
from apps.engine.patterns import Event, Match, Pattern
from apps.engine.ports import NewRun
from apps.engine.run.assembly import Scope
from apps.engine.run.program import StepCall, Variables
from apps.engine.subscription import Arrived
from apps.engine.topics import TopicTable

SECTION = "event"
CUSTOM = "custom.event"  # type of an event that says none, when it comes from an action


@dataclass(frozen=True, slots=True)
class Adapter:
    """Where events come from: topics of the broker, and the keys of a message that say whose event it is."""

    event_type: str
    topics: tuple[str, ...]
    source_key: str = ""
    correlation_key: str = ""

    def source(self, message: dict[str, Any]) -> str:
        """Return the id of what the event came from."""
        return _text(message.get(self.source_key)) if self.source_key else ""

    def correlation(self, message: dict[str, Any]) -> str:
        """Return the correlation id of a message, "" when it has none."""
        return _text(message.get(self.correlation_key)) if self.correlation_key else ""


@dataclass(frozen=True, slots=True)
class Reported:
    """One event as it came in, and the buffer it belongs to."""

    event: Event
    kind: str
    correlation: str

    @property
    def buffer(self) -> str:
        """The correlation id, else the source's."""
        return self.correlation or self.event.source


@dataclass(slots=True)
class Processor:
    """What judges the events of a document."""

    name: str
    patterns: tuple[Pattern, ...]
    keeping: Keeping
    adapters: TopicTable[Adapter]
    handlers: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # pattern -> (entry, name of handler)

    @property
    def entry(self) -> str:
        """The program that judges one event."""
        return f"event:{self.name}"

    def run_of(self, action: str, data: dict[str, Any], **more: Any) -> NewRun:
        """Return the run that judges what came in."""
        return NewRun(entry=self.entry, data=data, section=SECTION, action=action, workflow=self.name, **more)

    def starts(self, arrived: Arrived) -> NewRun:
        """Return the run of a message; the engine's own id of it keeps it from counting twice."""
        required_object(arrived.payload)
        data = {"message": arrived.id, "topic": arrived.topic, "payload": arrived.payload}
        return self.run_of(arrived.topic, data, source="message", correlation=arrived.id)

    def key_of(self, adapter: Adapter, payload: Any) -> str:
        """Return the lane of a message of an adapter: its correlation id, else its source."""
        message = object_of(payload) or {}
        return adapter.correlation(message) or adapter.source(message)

    def reported(self, given: dict[str, Any], context: Context) -> list[Reported]:
        """Return the event that came in, once for each buffer it belongs to.

        Nothing for a message that has waited until no adapter listened to its topic any more.
        """
        now = (context.unit.clock.now() - EPOCH) // MICROSECOND
        if "message" not in given:
            return [_executed(given["payload"], str(context.run_id), now)]
        message, topic = required_object(given["payload"]), str(given["topic"])
        found: dict[str, Reported] = {}
        for adapter in self.adapters.find(topic):
            kind = own_type(message) or adapter.event_type
            types = frozenset({topic, adapter.event_type, own_type(message)} - {""})
            event = Event(str(given["message"]), now, types, adapter.source(message), topic, message)
            one = Reported(event, kind, adapter.correlation(message))
            known = found.setdefault(one.buffer, one)
            known.event.types = known.event.types | types
        return [found[buffer] for buffer in sorted(found)]

    async def judge(self, context: Context, one: Reported) -> None:
        """Add an event to its buffer, and start the handlers of every pattern that it fulfils."""
        if not any(pattern.lists(one.event) for pattern in self.patterns):
            return
        buffer = await open_buffer(context.unit, self.name, one.buffer)
        if buffer.knows(one.event.id):
            context.log("This event was judged before.", event=one.event.id)
            return
        buffer.add(one.event)
        for match in buffer.judged(self.patterns):
            context.log(f"{match.pattern.id} is fulfilled by {len(match.events)} events.")
            for entry, handler in self.handlers.get(match.pattern.id, ()):
                context.unit.runs.start(self._match_run(match, entry, handler, one))
        lost = buffer.shrink(self.patterns, self.keeping)
        if lost:
            context.log(f"The buffer is full: {lost} events were forgotten before their time.", "warning")
        await buffer.save(context.unit, self.keeping)

    def _match_run(self, match: Match, entry: str, handler: str, one: Reported) -> NewRun:
        return NewRun(
            entry=entry,
            data={
                "patternId": match.pattern.id,
                "eventsCount": len(match.events),
                "processor": self.name,
                "correlationId": one.correlation,
                "events": [_told(event) for event in match.events],
            },
            section=SECTION,
            action=f"{match.pattern.id} -> {handler}",
            workflow=self.name,
            source="event",
            correlation=one.buffer or None,
        )


def judging(processor: Processor, scope: Scope, after: int) -> StepCall:
    """Return the step that judges one event."""

    async def call(variables: Variables, context: Context) -> tuple[Any, int]:
        found = processor.reported(variables.input, context)
        for one in found:
            await processor.judge(context, one)
        first = found[0] if found else None
        if first is None:
            context.log("No adapter listens to this topic any more.", "warning")
        variables.data = {
            "success": True,
            "eventType": "" if first is None else first.kind,
            "sourceId": "" if first is None else first.event.source,
            "correlId": "" if first is None else first.correlation,
            "processed": first is not None,
        }
        return variables.data, after

    return call


def _executed(data: Any, identity: str, now: int) -> Reported:
    """Return the event of an action (spec 4.5, Execute)."""
    said = object_of(data) or {}
    kind = _text(said.get("eventType")) or _text(said.get("type")) or CUSTOM
    sources = (_text(said.get(key)) for key in ("sourceId", "id", "userId"))
    source = next((found for found in sources if found), "")
    event = Event(identity, now, frozenset({kind, own_type(said)} - {""}), source, "", data)
    return Reported(event, kind, _text(said.get("correlationId")))


def _told(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "types": sorted(event.types),
        "topic": event.topic,
        "sourceId": event.source,
        "time": (EPOCH + event.at * MICROSECOND).isoformat(),
        "data": event.data,
    }


def _text(value: Any) -> str:
    """Return an id as text; what is no text or number is none."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
