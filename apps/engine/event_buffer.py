"""Events that wait for a pattern to be fulfilled, kept as one stored object per processor and correlation id.

It is locked while it is judged and written in the transaction of the step that judges, so an event counts once however
often its run is tried. It is bounded in events and bytes (the oldest go first) and gone some time after its last event.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson

from apps.engine.patterns import Event, Match, Pattern, judge
from apps.engine.ports import AlreadyExists, Resource, StoreBusy, Unit

KIND = "weft:events:"  # and the processor's name; no collection of a document is called so
LONGEST_KEY = 200
MOST_BYTES = 512 * 1024
LONGEST_DATA = 64 * 1024  # of one event; more is left out, and null
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long and how much is kept: `seconds` after its last event, and at most `events` of one correlation id."""

    seconds: float
    events: int


@dataclass(slots=True)
class Buffer:
    """The events of one correlation id in hand."""

    resource: Resource
    events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Add an event; time does not go back within a buffer."""
        if self.events:
            event.at = max(event.at, self.events[-1].at)
        if len(orjson.dumps(event.data, default=str)) > LONGEST_DATA:
            event.data = None
        self.events.append(event)

    def knows(self, event_id: str) -> bool:
        """Whether an event of this id has been added before."""
        return any(event.id == event_id for event in self.events)

    def judged(self, patterns: tuple[Pattern, ...]) -> list[Match]:
        """Return what the last event fulfils."""
        return judge(patterns, self.events)

    def shrink(self, patterns: tuple[Pattern, ...], keeping: Keeping) -> int:
        """Forget what is too old and what is too much; return how many of the latter a pattern could still have used.

        Of an event that no pattern will look at again only its id stays, by which a repeated message is known.
        """
        now = self.events[-1].at
        oldest = now - int(keeping.seconds * 1_000_000)
        kept = [event for event in self.events if event.at > oldest]
        for event in kept:
            if not _is_wanted(event, patterns, now):
                event.data = None
        sizes = [len(orjson.dumps(_stored(event))) for event in kept]
        lost, total = 0, sum(sizes)
        first = 0
        while len(kept) - first > 1 and (len(kept) - first > keeping.events or total > MOST_BYTES):
            total -= sizes[first]
            lost += _is_wanted(kept[first], patterns, now)
            first += 1
        self.events = kept[first:]
        return lost

    async def save(self, unit: Unit, keeping: Keeping) -> None:
        """Write the events; after a while without another one they are gone."""
        self.resource.data = {"events": [_stored(event) for event in self.events]}
        last = EPOCH + self.events[-1].at * MICROSECOND
        self.resource.expires_at = last + timedelta(seconds=keeping.seconds)
        await unit.resources.save(self.resource)


async def open_buffer(unit: Unit, processor: str, correlation: str) -> Buffer:
    """Return the buffer of a correlation id, locked until the unit ends."""
    kind, key = KIND + processor, _key(correlation)
    found = await unit.resources.get(kind, key, lock=True)
    if found is None:
        try:
            made = Resource(kind, key, {"events": []})
            await unit.resources.create(made)
            return Buffer(made)
        except AlreadyExists:  # somebody was first, and has committed by now
            found = await unit.resources.get(kind, key, lock=True)
    if found is None:
        raise StoreBusy("The events were swept just now.", code="event.buffer_gone")
    return Buffer(found, [_read(stored) for stored in found.data["events"]])


def _is_wanted(event: Event, patterns: tuple[Pattern, ...], now: int) -> bool:
    return any(
        pattern.id not in event.used and event.at > now - pattern.window and pattern.lists(event)
        for pattern in patterns
    )


def _key(correlation: str) -> str:
    if len(correlation) <= LONGEST_KEY and correlation.isprintable():
        return f"id:{correlation}"
    return "sha256:" + sha256(correlation.encode("utf-8", "surrogatepass")).hexdigest()


def _stored(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "types": sorted(event.types),
        "source": event.source,
        "topic": event.topic,
        "data": event.data,
        "used": sorted(event.used),
    }


def _read(stored: dict[str, Any]) -> Event:
    return Event(
        stored["id"],
        stored["at"],
        frozenset(stored["types"]),
        stored["source"],
        stored["topic"],
        stored["data"],
        set(stored["used"]),
    )
