"""How a module type can touch what is outside of the engine, read from its code and from the names of its settings."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from apps.engine import connectors
from apps.engine.module import Module

CATALOG = "apps.modules.catalog."
# Of `context.unit`, those that lead outside.
PORTS = frozenset({"http", "wires", "databases", "cache", "secrets", "log_targets"})
FILES = "read_file"
# Types whose work is done by parts of the engine.
ELSEWHERE = {"integration.registry": connectors}
PLACES = re.compile(
    r"(?:ur[il]|address|endpoint|host|port|dsn|brokers?|targets?|files?|path|root|source|store|redis|backends?"
    r"|connections?|command|engines?|sto(?:re|rage)Type)s?$",
    re.IGNORECASE,
)


def reach_of(module_type: type[Module[Any]]) -> frozenset[str]:
    """Return the ports that lead outside which the type's file and the parts beside it use; `read_file` is one more."""
    own = importlib.import_module(module_type.__module__)
    folder = ELSEWHERE.get(module_type.kind)
    beside = [] if folder is None else sorted(Path(folder.__file__ or "").parent.glob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in (*_files(own, set()), *beside)]
    return frozenset(found for text in texts for found in _used(ast.parse(text)))


def _files(module: ModuleType, seen: set[str]) -> Iterator[Path]:
    """Go through a file of the catalogue and the parts of it that begin with an underscore."""
    seen.add(module.__name__)
    path = Path(module.__file__ or "")
    yield path
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = node.module if isinstance(node, ast.ImportFrom) else None
        if name is not None and name.startswith(CATALOG) and "._" in name and name not in seen:
            yield from _files(importlib.import_module(name), seen)


def _used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        if node.attr == FILES:
            yield FILES
        on = node.value
        if node.attr in PORTS and isinstance(on, ast.Attribute | ast.Name) and _name(on) == "unit":
            yield node.attr


def _name(node: ast.Attribute | ast.Name) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def places_of(module_type: type[Module[Any]]) -> frozenset[str]:
    """Return the settings, those of nested maps too, whose names say that they name a place: an address, a file."""
    return frozenset(name for name in _settings(module_type.Config.model_json_schema()) if PLACES.search(name))


def _settings(schema: dict[str, Any]) -> Iterator[str]:
    for described in (schema, *schema.get("$defs", {}).values()):
        yield from described.get("properties", {})
