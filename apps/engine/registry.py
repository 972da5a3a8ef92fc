"""The module types there are: found by walking a package once, refused when misnamed or doubled."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from apps.engine.component import Component, discover_components
from apps.engine.module import Module


class BadCatalogue(Exception):
    """A module type is misnamed, misplaced or doubled; start-up stops."""


class Registry:
    """Module types by kind, with aliases."""

    def __init__(self) -> None:
        self._types: dict[str, type[Module[Any]]] = {}
        self._aliases: dict[str, str] = {}
        self.components: dict[str, Component] = {}  # bundled with the product, by stem

    def add(self, module_type: type[Module[Any]]) -> None:
        """Register one type and its aliases."""
        for name in (module_type.kind, *module_type.aliases):
            if name in self._types or name in self._aliases:
                raise BadCatalogue(f"module type {name!r} is registered twice")
        self._types[module_type.kind] = module_type
        for alias in module_type.aliases:
            self._aliases[alias] = module_type.kind

    def get(self, kind: str) -> type[Module[Any]] | None:
        """Return the type for a kind or an alias of it."""
        return self._types.get(self._aliases.get(kind, kind))

    def kinds(self) -> list[str]:
        """Return all kinds, sorted, aliases left out."""
        return sorted(self._types)

    def names(self) -> list[str]:
        """Return kinds and aliases, sorted: what a document may write under `type:`."""
        return sorted([*self._types, *self._aliases])

    def __iter__(self) -> Iterator[type[Module[Any]]]:
        return iter(self._types[kind] for kind in sorted(self._types))

    def __len__(self) -> int:
        return len(self._types)


def discover(package: ModuleType) -> Registry:
    """Import every file two levels below `package` (category/kind.py) and register the type it defines.

    The folder `components` holds bundled components instead (`engine/component.py`).

    Raises `BadCatalogue` when file name, folder and class do not say the same.
    """
    registry = Registry()
    for category in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if not category.ispkg:
            continue
        folder = importlib.import_module(f"{package.__name__}.{category.name}")
        if category.name == "components":
            registry.components = discover_components(folder)
            continue
        for info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda info: info.name):
            if info.name.startswith("_"):
                continue
            registry.add(_type_in(importlib.import_module(f"{folder.__name__}.{info.name}"), category.name))
    return registry


def _type_in(source: ModuleType, category: str) -> type[Module[Any]]:
    found = [
        value
        for value in vars(source).values()
        if inspect.isclass(value) and issubclass(value, Module) and value.__module__ == source.__name__
    ]
    if len(found) != 1:
        raise BadCatalogue(f"{source.__name__} must define exactly one module type, found {len(found)}")
    stem = source.__name__.rpartition(".")[2]
    if found[0].kind.replace(".", "_") != stem or found[0].category.value != category:
        raise BadCatalogue(f"{found[0].kind!r} does not belong in {category}/{stem}.py")
    return found[0]
