"""Reads of the catalogue: made once per process, since the types are files of the product."""

from functools import cache
from typing import Any

from django.conf import settings

import apps.modules.catalog
from apps.engine.catalogue import ComponentEntry, TypeEntry, component_entry, entries
from apps.engine.levels import Level, read_level
from apps.engine.registry import Registry, discover
from apps.engine.schema import document_schema


@cache
def registry() -> Registry:
    """Return every module type and bundled component there is."""
    return discover(apps.modules.catalog)


@cache
def module_type_list() -> tuple[TypeEntry, ...]:
    """Return what is told about every type, by category and kind."""
    return tuple(entries(registry()))


def module_type_get(kind: str) -> TypeEntry | None:
    """Return what is told about a type, by its kind or an alias of it."""
    found = registry().get(kind)
    return next((entry for entry in module_type_list() if found is not None and entry.kind == found.kind), None)


def module_type_level(kind: str) -> Level | None:
    """Return how far a type is by its tests; None where no test run is known of the type as it is."""
    found = registry().get(kind)
    return None if found is None else read_level(settings.MODULE_LEVELS, found)


@cache
def module_type_example(kind: str) -> str:
    """Return the example document of a type, "" where the examples are not installed."""
    try:
        return str((settings.MODULE_EXAMPLES / f"{kind.replace('.', '_')}.yaml").read_text(encoding="utf-8"))
    except OSError:
        return ""


@cache
def component_list() -> tuple[ComponentEntry, ...]:
    """Return what is told about every bundled component, by name."""
    return tuple(component_entry(component) for component in registry().components.values())


@cache
def schema_of_documents() -> dict[str, Any]:
    """Return the JSON Schema of a whole document; callers do not change it."""
    return document_schema(registry())
