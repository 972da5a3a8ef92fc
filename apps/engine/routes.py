"""Which route answers a request: literal text first, then `{name}`, then the rest of the path."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class HasPattern(Protocol):
    """Anything that can be found by method and pattern."""

    @property
    def method(self) -> str:
        """HTTP method, upper case."""

    @property
    def pattern(self) -> str:
        """Path pattern as written."""


R = TypeVar("R", bound=HasPattern)


class Match(Generic[R]):
    """The outcome of a look-up: a route with its path parameters, or None with the methods the path would allow.

    A HEAD request finds the GET route; the server drops the body. `allow` is filled only when `route` is None: empty
    means no such path (404), otherwise the method is wrong (405).
    """

    __slots__ = ("allow", "params", "route")

    def __init__(self, route: R | None, params: dict[str, str] | None = None, allow: tuple[str, ...] = ()) -> None:
        self.route = route
        self.params: dict[str, str] = params or {}
        self.allow = allow


@dataclass(slots=True)
class _Node(Generic[R]):
    literals: dict[str, "_Node[R]"] = field(default_factory=dict)
    parameter: "_Node[R] | None" = None
    leaf: tuple[R, tuple[str, ...]] | None = None
    rest: tuple[R, tuple[str, ...]] | None = None  # `{name...}`: the last name takes what is left
    subtree: tuple[R, tuple[str, ...]] | None = None  # a trailing slash: takes what is left, names nothing


def segments(pattern: str) -> list[str]:
    """Split a pattern; `:name` reads as `{name}`."""
    parts = pattern.removeprefix("/").split("/")
    return ["{" + part[1:] + "}" if part.startswith(":") and len(part) > 1 else part for part in parts]


def shape(pattern: str) -> str:
    """Return the pattern without its parameter names: two patterns of one shape answer the same paths."""
    return "/" + "/".join(_anonymous(part) for part in segments(pattern))


def _anonymous(part: str) -> str:
    if not _is_parameter(part):
        return part
    return "{...}" if part.endswith("...}") else "{}"


class RouteTable(Generic[R]):
    """Routes by method and path; finding one costs the same whatever the number of routes."""

    def __init__(self, routes: Iterable[R]) -> None:
        self._static: dict[str, dict[str, Match[R]]] = {}
        self._trees: dict[str, _Node[R]] = {}
        self.duplicates: list[R] = []  # the same method and shape as an earlier route, which wins
        self.routes: list[R] = []
        seen: set[tuple[str, str]] = set()
        for route in routes:
            key = (route.method, shape(route.pattern))
            if key in seen:
                self.duplicates.append(route)
                continue
            seen.add(key)
            self.routes.append(route)
            self._add(route)
        self.methods = tuple(sorted({*self._static, *self._trees}))

    def _add(self, route: R) -> None:
        parts = segments(route.pattern)
        if not any(_is_parameter(part) for part in parts) and parts[-1]:
            self._static.setdefault(route.method, {})["/" + "/".join(parts)] = Match(route)
            return
        node = self._trees.setdefault(route.method, _Node())
        names: list[str] = []
        for part in parts[:-1]:
            node = self._step(node, part, names)
        last = parts[-1]
        if not last:
            node.subtree = (route, tuple(names))
        elif last.endswith("...}"):
            node.rest = (route, (*names, last[1:-4]))
        else:
            node = self._step(node, last, names)
            node.leaf = (route, tuple(names))

    @staticmethod
    def _step(node: _Node[R], part: str, names: list[str]) -> _Node[R]:
        if _is_parameter(part):
            names.append(part[1:-1])
            if node.parameter is None:
                node.parameter = _Node()
            return node.parameter
        return node.literals.setdefault(part, _Node())

    def match(self, method: str, path: str) -> Match[R]:
        """Find the route of `method` and `path`."""
        static = self._static.get(method)
        if static is not None:
            found = static.get(path)
            if found is not None:
                return found
        found = self._search(method, path)
        if found is not None:
            return found
        if method == "HEAD":
            return self.match("GET", path)
        return Match(None, None, self.allowed(path))

    def allowed(self, path: str) -> tuple[str, ...]:
        """Return the methods `path` answers, HEAD included where GET is, sorted."""
        found = {method for method in self.methods if self._has(method, path)}
        if "GET" in found:
            found.add("HEAD")
        return tuple(sorted(found))

    def _has(self, method: str, path: str) -> bool:
        return path in self._static.get(method, ()) or self._search(method, path) is not None

    def _search(self, method: str, path: str) -> Match[R] | None:
        tree = self._trees.get(method)
        if tree is None:
            return None
        values: list[str] = []
        found = _descend(tree, path.removeprefix("/").split("/"), 0, values)
        if found is None:
            return None
        return Match(found[0], dict(zip(found[1], values, strict=True)))


def _descend(node: _Node[R], parts: list[str], depth: int, values: list[str]) -> tuple[R, tuple[str, ...]] | None:
    if depth == len(parts):
        return node.leaf
    part = parts[depth]
    literal = node.literals.get(part)
    if literal is not None:
        found = _descend(literal, parts, depth + 1, values)
        if found is not None:
            return found
    if node.parameter is not None and part:
        values.append(part)
        found = _descend(node.parameter, parts, depth + 1, values)
        if found is not None:
            return found
        values.pop()
    if node.rest is not None:
        values.append("/".join(parts[depth:]))
        return node.rest
    return node.subtree


def _is_parameter(part: str) -> bool:
    return part.startswith("{") and part.endswith("}") and len(part) > 2
