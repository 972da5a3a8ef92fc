"""Which links may lead an event back to where it came from, told by their patterns alone.

What is certain is looked at: a forward publishes its topic, and a run that a link starts has lifecycle events. What a
target publishes besides is not known here; a ring of that kind is ended when it happens (`following.py`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from apps.engine.links.record import FORWARD, TRIGGER

LIFECYCLE = "workflow.**"
MOST_COMPARED = 5_000  # pairs of patterns; beyond them nothing is said


@dataclass(frozen=True, slots=True)
class Edge:
    """A link between two workflows, named by whatever the caller names them."""

    name: str
    source: str
    target: str
    link_type: str
    pattern: str
    target_action: str = ""

    def leads_to(self) -> tuple[str, ...]:
        """Return the patterns of what it surely makes the target publish."""
        if self.link_type == TRIGGER:
            return (LIFECYCLE,)
        forwarded = self.target_action or self.pattern
        return (forwarded,) if self.link_type == FORWARD or not self.target_action else (forwarded, LIFECYCLE)


class Rings:
    """Looks for rings among links, within one budget."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._by_source: dict[str, list[Edge]] = {}
        for edge in edges:
            self._by_source.setdefault(edge.source, []).append(edge)
        self._left = MOST_COMPARED

    def through(self, edge: Edge) -> tuple[Edge, ...]:
        """Return the links that lead from `edge` back to it, it first; none when there is no ring."""
        came_from: dict[Edge, Edge | None] = {edge: None}
        waiting = [edge]
        while waiting:
            here = waiting.pop(0)
            for following in self._by_source.get(here.target, ()):
                if following in came_from and following != edge:
                    continue
                if not self._follows(here, following):
                    continue
                if following == edge:
                    return _path(came_from, here)
                came_from[following] = here
                waiting.append(following)
        return ()

    def _follows(self, here: Edge, following: Edge) -> bool:
        self._left -= 1
        return self._left >= 0 and any(overlap(made, following.pattern) for made in here.leads_to())


def _path(came_from: Mapping[Edge, Edge | None], last: Edge) -> tuple[Edge, ...]:
    path: list[Edge] = []
    at: Edge | None = last
    while at is not None:
        path.append(at)
        at = came_from[at]
    return tuple(reversed(path))


def overlap(one: str, other: str) -> bool:
    """Whether some topic is taken in by both patterns."""
    if "*" not in one and "*" not in other:
        return one == other
    return _overlap(_split(one), _split(other))


def _split(pattern: str) -> Sequence[str]:
    return pattern.replace("/", ".").split(".")


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    @cache
    def meet(here: int, there: int) -> bool:
        for mine, at, theirs, beside, step in (
            (one, here, other, there, lambda more, rest: meet(here + more, there + rest)),
            (other, there, one, here, lambda more, rest: meet(here + rest, there + more)),
        ):
            if at < len(mine) and mine[at] == "**":
                return _any(step, beside < len(theirs))
        if here == len(one) or there == len(other):
            return here == len(one) and there == len(other)
        return _same(one[here], other[there]) and meet(here + 1, there + 1)

    return meet(0, 0)


def _any(step: Callable[[int, int], bool], has_more: bool) -> bool:
    """A `**` ends here, or takes in one more segment of the other pattern."""
    return step(1, 0) or (has_more and step(0, 1))


def _same(one: str, other: str) -> bool:
    """Whether one segment can be both; `ord*` is any that begins so."""
    if "*" not in one and "*" not in other:
        return one == other
    mine, theirs = one.rstrip("*"), other.rstrip("*")
    if "*" not in one:
        return one.startswith(theirs)
    if "*" not in other:
        return other.startswith(mine)
    return mine.startswith(theirs) or theirs.startswith(mine)
