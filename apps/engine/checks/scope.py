"""What every check shares: the document, what it defines, and where findings go."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any

from apps.engine.checks.known import canonical
from apps.engine.checks.options import CheckOptions
from apps.engine.checks.report import Report
from apps.engine.document import Document, ModuleEntry
from apps.engine.flows import Flows, route_handlers
from apps.engine.module import Effect, Module
from apps.engine.registry import Registry
from apps.engine.service_names import provided_by, service_names


class Scope(Report):
    """One document under examination."""

    def __init__(self, document: Document, registry: Registry, options: CheckOptions) -> None:
        super().__init__(document)
        self.registry = registry
        self.options = options
        self.entries: dict[str, ModuleEntry] = {}
        for entry in document.modules:
            self.entries.setdefault(entry.name, entry)
        self.kinds = {name: self._kind(entry.kind) for name, entry in self.entries.items()}
        self.built: dict[str, Module[Any]] = {}  # the modules whose config is good
        self.services = service_names(self.kinds, provided_by(self.entries.values(), self.kinds, registry.components))
        self._of_kinds: dict[frozenset[str], list[str]] = {}
        self._names: dict[tuple[str, str], frozenset[str]] = {}
        self.pipelines: Mapping[str, Any] = document.workflows.get("pipelines", {})

    def _kind(self, kind: str) -> str:
        module_type = self.registry.get(kind)
        return module_type.kind if module_type is not None else canonical(kind)

    # --- names ----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> str | None:
        """Return the module that a name means: its own, or one that it is well known by."""
        return name if name in self.entries else self.services.get(name)

    def type_of(self, name: str) -> type[Module[Any]] | None:
        """Return the type of the module that a name means, None when this build does not have it."""
        return self.registry.get(self.kinds.get(name, ""))

    def of_kinds(self, kinds: Iterable[str]) -> list[str]:
        """Return the modules of the given kinds, in file order."""
        wanted = frozenset(kinds)
        if wanted not in self._of_kinds:
            self._of_kinds[wanted] = [name for name, kind in self.kinds.items() if kind in wanted]
        return self._of_kinds[wanted]

    def targets(self) -> Iterator[str]:
        """Return every name a step may call."""
        return chain(self.entries, self.pipelines, self.registry.components)

    def is_target(self, name: str) -> bool:
        """Whether a step may call this name, or a well-known one of a module."""
        return self.resolve(name) is not None or name in self.pipelines or name in self.registry.components

    def is_pure(self, name: str) -> bool:
        """Whether a module leaves nothing behind when called; what cannot be told counts as pure."""
        module = self.built.get(name)
        source: Any = module if module is not None else self.type_of(name)
        return source is None or (source.effect is Effect.PURE and not source.writes)

    # --- flows ----------------------------------------------------------------------------------------------------

    @cached_property
    def flows(self) -> Flows:
        """The flows over branch nodes."""
        return Flows(self.entries, self.type_of)

    @cached_property
    def route_handlers(self) -> frozenset[str]:
        """What the routes of the `http` section name as their handlers."""
        return route_handlers(self.document.workflows)

    @cached_property
    def keys_used(self) -> set[tuple[str, str]]:
        """Config keys (module, key) that mean something where the document implies a route, and nothing elsewhere."""
        return self.flows.keys_used(self.route_handlers)

    # --- definitions ----------------------------------------------------------------------------------------------

    @cached_property
    def definitions(self) -> dict[str, dict[str, Any]]:
        """The state machines by name, as written."""
        written = self.document.workflows.get("statemachine", {}).get("definitions")
        found: dict[str, dict[str, Any]] = {}
        for definition in written if isinstance(written, list) else []:
            if isinstance(definition, dict) and isinstance(definition.get("name"), str):
                found.setdefault(definition["name"], definition)
        return found

    def names_of(self, machine: str, part: str) -> frozenset[str]:
        """Return the names of the `states` or `transitions` of a state machine; of all of them for an empty name."""
        if (machine, part) not in self._names:
            meant = [self.definitions[machine]] if machine else self.definitions.values()
            found = frozenset(name for definition in meant for name in keys_of(definition.get(part)))
            self._names[machine, part] = found
        return self._names[machine, part]


def keys_of(value: Any) -> list[str]:
    """Return the keys of a map, nothing for anything else."""
    return list(value) if isinstance(value, dict) else []


def items_of(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """Return the maps in a list with their places, nothing for anything else."""
    return [
        (index, item) for index, item in enumerate(value if isinstance(value, list) else []) if isinstance(item, dict)
    ]
