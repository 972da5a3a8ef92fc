"""Which subscriptions a topic reaches: exact text, `*` for one segment, `**` for any number of segments.

A segment that ends in `*`, such as `ord*`, is any one segment that begins so. A topic that begins with `~` is private
to its workflow: only patterns that write its first segment out take it in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S")
PRIVATE = "~"


@dataclass(slots=True)
class _Node(Generic[S]):
    children: dict[str, "_Node[S]"] = field(default_factory=dict)
    beginnings: dict[str, "_Node[S]"] = field(default_factory=dict)  # `ord*` under `ord`
    here: list[tuple[int, S]] = field(default_factory=list)


class TopicTable(Generic[S]):
    """Subscriptions by topic; segments are separated by dots or slashes. Patterns without a star cost one look-up."""

    def __init__(self, subscriptions: Iterable[tuple[str, S]]) -> None:
        self._exact: dict[str, list[tuple[int, S]]] = {}
        self._root: _Node[S] = _Node()
        self._has_wildcards = False
        for order, (pattern, subscription) in enumerate(subscriptions):
            if "*" not in pattern:
                self._exact.setdefault(pattern, []).append((order, subscription))
                continue
            self._has_wildcards = True
            node = self._root
            for part in _split(pattern):
                node = _below(node, part)
            node.here.append((order, subscription))

    def find(self, topic: str) -> tuple[S, ...]:
        """Return what `topic` reaches, in the order given, each once."""
        exact = self._exact.get(topic, [])
        if not self._has_wildcards:
            return tuple(subscription for _, subscription in exact)
        found: dict[int, S] = dict(exact)
        parts = _split(topic)
        if parts[0].startswith(PRIVATE):
            inside = self._root.children.get(parts[0])
            if inside is not None:
                _walk(inside, parts, 1, found, set())
        else:
            _walk(self._root, parts, 0, found, set())
        return tuple(found[order] for order in sorted(found))


def matches(pattern: str, topic: str) -> bool:
    """Whether one pattern takes in one topic."""
    return bool(TopicTable([(pattern, True)]).find(topic))


def _below(node: _Node[S], part: str) -> _Node[S]:
    beginning = part.rstrip("*")
    if beginning and beginning != part:
        return node.beginnings.setdefault(beginning, _Node())
    return node.children.setdefault(part, _Node())


def _split(topic: str) -> list[str]:
    return topic.replace("/", ".").split(".")


def _walk(node: _Node[S], parts: list[str], depth: int, found: dict[int, S], seen: set[tuple[int, int]]) -> None:
    if (id(node), depth) in seen:
        return
    seen.add((id(node), depth))
    if depth == len(parts):
        found.update(node.here)
    many = node.children.get("**")
    if many is not None:
        for start in range(depth, len(parts) + 1):
            _walk(many, parts, start, found, seen)
    if depth == len(parts):
        return
    for name in {"*", parts[depth]}:
        child = node.children.get(name)
        if child is not None and name != "**":
            _walk(child, parts, depth + 1, found, seen)
    for beginning, child in node.beginnings.items():
        if parts[depth].startswith(beginning):
            _walk(child, parts, depth + 1, found, seen)
