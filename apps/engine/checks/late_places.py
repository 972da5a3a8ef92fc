"""Which texts of a document are filled in at the last moment, so that a secret may stand in them.

A config model marks its late texts (`config_types.LATE`). The mark is looked for in the JSON Schema that the model
gives of itself, because that knows every spelling of every key. Of the sections, what a step gives a module is late.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from apps.engine.checks.known import FRAMEWORK_KEYS
from apps.engine.checks.scope import Scope
from apps.engine.config_types import LATE
from apps.engine.connectors.kinds import KINDS
from apps.engine.document import DocumentPath

Schema = dict[str, Any]
COMBINED = ("anyOf", "oneOf", "allOf")
LISTS_OF_STEPS = frozenset({"steps", "then", "else", "default"})
DEFINITION = "#/$defs/"


def is_late(scope: Scope, path: DocumentPath) -> bool:
    """Whether the text at a path is filled in at the last moment; what nobody knows is taken to be."""
    match path:
        case ("modules", int(index), "config", *inside):
            return _in_module(scope, scope.document.value(("modules", index, "type")), inside)
        case ("workflows", "pipelines", _, "steps", *inside):
            return _in_steps(["steps", *inside])
        case ("workflows", "integration", "steps", int(), "input", *_):
            return True
        case ("workflows", "integration", "connectors", int(index), "config", *inside):
            kind = scope.document.value((*path[:4], "type"))
            return kind not in KINDS or _is_marked(KINDS[kind].Config, inside)
        case (str(top), *inside) if top in FRAMEWORK_KEYS:
            owners = scope.of_kinds(FRAMEWORK_KEYS[top])
            return len(owners) != 1 or _in_module(scope, scope.kinds[owners[0]], inside)
    return False


def _in_module(scope: Scope, kind: Any, inside: list[str | int]) -> bool:
    module_type = scope.registry.get(kind) if isinstance(kind, str) else None
    return module_type is None or _is_marked(module_type.Config, inside)


def _in_steps(inside: list[str | int]) -> bool:
    """Whether steps, nested in each other, lead to what one of them gives a module."""
    while len(inside) > 2:
        if inside[0] in LISTS_OF_STEPS and isinstance(inside[1], int):
            inside = inside[2:]
        elif inside[0] == "cases":
            inside = ["steps", *inside[2:]]
        else:
            break
    return bool(inside) and inside[0] == "with"


@lru_cache(maxsize=512)
def _schema_of(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _is_marked(model: type[BaseModel], inside: list[str | int]) -> bool:
    whole = _schema_of(model)
    schemas = list(_alternatives(whole, whole))
    for step in inside:
        schemas = [each for schema in schemas for each in _alternatives(whole, _below(schema, step))]
        if any(LATE in schema for schema in schemas):
            return True
    return False


def _below(schema: Schema, step: str | int) -> Schema:
    if isinstance(step, int):
        below = schema.get("items")
    elif step in schema.get("properties", {}):
        below = schema["properties"][step]
    else:
        patterns = schema.get("patternProperties", {}).items()
        fitting = (each for pattern, each in patterns if re.search(pattern, step))
        below = next(fitting, schema.get("additionalProperties"))
    return below if isinstance(below, dict) else {}


def _alternatives(whole: Schema, schema: Schema) -> Iterator[Schema]:
    """Return a schema and those that it refers to or is combined of."""
    yield schema
    reference = schema.get("$ref", "")
    if reference.startswith(DEFINITION):
        yield from _alternatives(whole, whole["$defs"][reference.removeprefix(DEFINITION)])
    for key in COMBINED:
        for each in schema.get(key, ()):
            yield from _alternatives(whole, each)
