"""Which patterns a stream of events fulfils (spec/modules.md 4.5): pure, so that it can be judged against a model.

A pattern looks at its candidates: the events of its types that lie in its window and that it has not used yet, in the
order they came. A match needs between `least` and `most` candidates (0: no limit) and its condition:

- `count`: nothing else; the match is all candidates;
- `all`: every type occurs; the match is all candidates;
- `sequence`: the types occur in their order, others of them between or not; the match is the latest such events. When
  it is `strict` they are the last candidates, with nothing of the pattern's types between them.

Events of a match are used: the pattern does not see them again, unless it `repeats`. Each pattern uses events for
itself. One event may bear several types (its own, its topic, its adapter's) and stands for whichever is asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

CONDITIONS = ("count", "all", "sequence")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern; `window` in microseconds."""

    id: str
    types: tuple[str, ...]
    window: int
    condition: str = "count"
    least: int = 1
    most: int = 0
    is_strict: bool = False
    repeats: bool = False

    def lists(self, event: "Event") -> bool:
        """Whether the event is of one of the pattern's types."""
        return not event.types.isdisjoint(self.types)


@dataclass(slots=True)
class Event:
    """One event; `at` in microseconds since 1970."""

    id: str
    at: int
    types: frozenset[str]
    source: str = ""
    topic: str = ""
    data: Any = None
    used: set[str] = field(default_factory=set)  # ids of the patterns that have matched with it


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern that is fulfilled, with its events in the order they came."""

    pattern: Pattern
    events: tuple[Event, ...]


def judge(patterns: Iterable[Pattern], events: Sequence[Event]) -> list[Match]:
    """Return what the last of `events` fulfils, in the order of the patterns, and mark what they use.

    The last event's time is the present. Patterns that do not list it are not looked at.
    """
    newest = events[-1]
    found = []
    for pattern in patterns:
        if not pattern.lists(newest):
            continue
        matched = _matched(pattern, candidates(pattern, events, newest.at))
        if matched is None:
            continue
        found.append(Match(pattern, tuple(matched)))
        if not pattern.repeats:
            for event in matched:
                event.used.add(pattern.id)
    return found


def candidates(pattern: Pattern, events: Iterable[Event], now: int) -> list[Event]:
    """Return the events that a pattern looks at."""
    return [
        event
        for event in events
        if event.at > now - pattern.window and pattern.id not in event.used and pattern.lists(event)
    ]


def _matched(pattern: Pattern, found: list[Event]) -> list[Event] | None:
    if len(found) < pattern.least or 0 < pattern.most < len(found):
        return None
    if pattern.condition == "sequence":
        return _strict_sequence(pattern, found) if pattern.is_strict else _sequence(pattern, found)
    if pattern.condition == "all" and not set(pattern.types) <= set().union(*(event.types for event in found)):
        return None
    return found


def _strict_sequence(pattern: Pattern, found: list[Event]) -> list[Event] | None:
    last = found[-len(pattern.types) :]
    fits = len(last) == len(pattern.types) and all(
        wanted in event.types for wanted, event in zip(pattern.types, last, strict=True)
    )
    return last if fits else None


def _sequence(pattern: Pattern, found: list[Event]) -> list[Event] | None:
    """Look backwards: the latest event of the last type, the latest of the type before that lies before it, ..."""
    matched: list[Event] = []
    wanted = list(pattern.types)
    for event in reversed(found):
        if wanted and wanted[-1] in event.types:
            wanted.pop()
            matched.append(event)
    return None if wanted else matched[::-1]
