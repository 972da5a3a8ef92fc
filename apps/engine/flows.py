"""Flows: how a message goes from module to module over `branches` and `dependsOn` (spec/modules.md 3.8).

A flow exists where a branch node stands. It begins at a module that a branch node depends on, or at the branch node
itself; a module passes what it made to those that depend on it and can take messages, a branch node to the one target
that it chose. `dependsOn` away from any branch node means order of creation and nothing else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apps.engine.branches import branches_of
from apps.engine.document import DocumentPath, ModuleEntry
from apps.engine.module import Category, Module
from apps.engine.ordering import dependency_order

ROUTER = "http.router"
FIXED = "http.handler"
# What a module must be to get messages only because it depends on a node of a flow; databases, engines and the like
# are depended on and depend for other reasons.
TAKING = frozenset({Category.DATA, Category.MESSAGING, Category.INTEGRATION, Category.HTTP, Category.BRANCHING})
TAKING_KINDS = frozenset({"dynamic.component", "jsonschema.modular", "storage.s3"})
DEEPEST = 100  # nodes in a row

TypeOf = Callable[[str], type[Module[Any]] | None]


@dataclass(frozen=True, slots=True)
class Entrance:
    """A route that a document implies: its handler says a path, begins a flow, and no route of a section names it."""

    handler: str
    method: str
    pattern: str
    path: DocumentPath


def is_branching(module_type: type[Module[Any]] | None) -> bool:
    """Whether a type is a branch node."""
    return module_type is not None and module_type.category is Category.BRANCHING


def takes_messages(module_type: type[Module[Any]] | None) -> bool:
    """Whether a module of this type can stand in a flow: branch nodes, fixed answers, and what a step may call."""
    if module_type is None or module_type.kind == "processing.step":
        return False
    return is_branching(module_type) or hasattr(module_type, "answer") or hasattr(module_type, "run")


class Flows:
    """The flows of one document."""

    def __init__(self, entries: Mapping[str, ModuleEntry], type_of: TypeOf) -> None:
        self._entries = entries
        self._type_of = type_of
        self.branching = frozenset(name for name in entries if is_branching(type_of(name)))
        before = (name for branch in self.branching for name in entries[branch].depends_on)
        self.heads = self.branching | {name for name in before if name in entries and self._begins(name)}
        self.next = self._following() if self.heads else {}
        # Every node behind those it leads to, and the circles among them.
        self.order, self.cycles = dependency_order(self.next)

    def _begins(self, name: str) -> bool:
        module_type = self._type_of(name)
        return self._is_passed_on_to(name) or (module_type is not None and hasattr(module_type, "handle"))

    def _is_passed_on_to(self, name: str) -> bool:
        module_type = self._type_of(name)
        if module_type is None or not takes_messages(module_type):
            return False
        return module_type.category in TAKING or module_type.kind in TAKING_KINDS

    def _following(self) -> dict[str, tuple[str, ...]]:
        dependants: dict[str, dict[str, None]] = {}
        for entry in self._entries.values():
            if self._is_passed_on_to(entry.name):
                for name in entry.depends_on:
                    dependants.setdefault(name, {})[entry.name] = None
        found: dict[str, tuple[str, ...]] = {}
        waiting = [name for name in reversed(tuple(self._entries)) if name in self.heads]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            if name in self.branching:
                meant = (branch.target for branch in branches_of(self._entries[name]))
                found[name] = tuple(dict.fromkeys(target for target in meant if self._is_target(target)))
            else:
                found[name] = tuple(dependants.get(name, ()))
            waiting += reversed(found[name])
        return found

    def _is_target(self, name: str) -> bool:
        return name in self._entries and takes_messages(self._type_of(name))

    @cached_property
    def beginnings(self) -> tuple[str, ...]:
        """The heads that nothing leads to and that can be given a message, in file order."""
        reached = {name for names in self.next.values() for name in names}
        return tuple(
            name for name in self._entries if name in self.heads and name not in reached and self._is_target(name)
        )

    def entrances(self, handlers: frozenset[str]) -> Iterator[Entrance]:
        """Return the routes that heads with a path imply; `handlers` have routes of their own.

        The path is served as written, and below the `prefix` of the router that the handler depends on.
        """
        for name, entry in self._entries.items():
            module_type = self._type_of(name)
            written = entry.config.get("path")
            is_fixed = module_type is not None and module_type.kind == FIXED
            if name not in self.heads or not is_fixed or name in handlers or not isinstance(written, str):
                continue
            method = entry.config.get("method")
            verb = method.upper() if isinstance(method, str) and method else "POST"
            path = (*entry.path, "config", "path")
            yield Entrance(name, verb, written, path)
            for router in self._prefixed(entry):
                prefix = str(router.config["prefix"]).rstrip("/")
                if not f"{written}/".startswith(f"{prefix}/"):
                    yield Entrance(name, verb, prefix + written, path)

    def _prefixed(self, entry: ModuleEntry) -> Iterator[ModuleEntry]:
        for name in entry.depends_on:
            router = self._entries.get(name)
            module_type = self._type_of(name)
            if router is None or module_type is None or module_type.kind != ROUTER:
                continue
            prefix = router.config.get("prefix")
            if isinstance(prefix, str) and prefix.startswith("/") and prefix != "/":
                yield router

    def keys_used(self, handlers: frozenset[str]) -> set[tuple[str, str]]:
        """Return (module, key) of those config keys that mean something in entrances only."""
        found: set[tuple[str, str]] = set()
        for entrance in self.entrances(handlers):
            entry = self._entries[entrance.handler]
            found |= {(entry.name, "path"), (entry.name, "method")}
            found |= {(router.name, "prefix") for router in self._prefixed(entry)}
        return found


def route_handlers(sections: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return the handlers that the routes of the `http` section name."""
    routes = sections.get("http", {}).get("routes")
    found = (route.get("handler") for route in (routes if isinstance(routes, list) else []) if isinstance(route, dict))
    return frozenset(name for name in found if isinstance(name, str))
