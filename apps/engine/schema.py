"""The JSON Schema of a document, made from the module types there are: for YAML editors and other tools.

It says what can be said without looking elsewhere in the document; `check.py` says the rest.
"""

from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from apps.engine.module import Module, ModuleConfig
from apps.engine.registry import Registry
from apps.engine.standard_schema import StandardSchema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODULE_NAME = r"^[A-Za-z][A-Za-z0-9._-]*$"
_MODE: JsonSchemaMode = "validation"


def document_schema(registry: Registry) -> dict[str, Any]:
    """Return the schema (draft 2020-12) of a document that uses the types of `registry`."""
    types = list(registry)
    refs, definitions = _configs(types)
    return {
        "$schema": DIALECT,
        "title": "Weft document",
        "type": "object",
        "required": ["modules"],
        "properties": {
            "name": {"type": "string"},
            "description": {"type": "string"},
            "modules": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/module"}},
            "workflows": {
                "type": ["object", "null"],
                "description": "Sections by name, such as http.",
            },
            "triggers": {"type": ["object", "null"], "description": "What starts runs, by trigger type."},
        },
        "patternProperties": {"^x-": {}},
        "$defs": {"module": _module(registry, types, refs), **definitions},
    }


def _configs(types: list[type[Module[Any]]]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the reference to each kind's config schema, and the definitions that the references mean."""
    models: dict[type[ModuleConfig], None] = {module_type.Config: None for module_type in types}
    if not models:
        return {}, {}
    found, top = models_json_schema(
        [(model, _MODE) for model in models], ref_template="#/$defs/{model}", schema_generator=StandardSchema
    )
    refs = {module_type.kind: dict(found[module_type.Config, _MODE]) for module_type in types}
    return refs, dict(top.get("$defs", {}))


def _module(registry: Registry, types: list[type[Module[Any]]], refs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["name", "type"],
        "properties": {
            "name": {"type": "string", "pattern": MODULE_NAME},
            "type": {"enum": registry.names()},
            "config": {"type": ["object", "null"]},
            "dependsOn": {"type": "array", "items": {"type": "string"}},
            "branches": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"properties": {"type": {"enum": [module_type.kind, *module_type.aliases]}}},
                "then": {
                    "title": module_type.title,
                    "properties": {"config": {"anyOf": [refs[module_type.kind], {"type": "null"}]}},
                },
            }
            for module_type in types
        ],
    }
