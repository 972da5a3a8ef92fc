"""Every JSON Schema that the product gives out is one by the standard's own rules, and uses no word that it lacks."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from apps.modules.queries import module_type_get, registry, schema_of_documents
from apps.wfctl.cli import app

KINDS = registry().kinds()
VALUES = {"const", "default", "enum", "examples"}  # keywords whose content is data
MAPS = {"properties", "patternProperties", "$defs", "dependentSchemas"}
INSIDE = {"items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"}
LISTS = {"anyOf", "allOf", "oneOf", "prefixItems"}
PLAIN = {
    *("$schema", "$id", "$ref", "$comment", "title", "description", "type", "required", "pattern", "format"),
    *("minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "minProperties", "maxProperties"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("deprecated", "readOnly", "writeOnly"),
}
KNOWN = VALUES | MAPS | INSIDE | LISTS | PLAIN


def words(schema: Any) -> Iterator[str]:
    """Yield every keyword of a schema and of the schemas in it."""
    if isinstance(schema, bool):
        return
    yield from schema
    for keyword, value in schema.items():
        if keyword in MAPS:
            parts = list(value.values())
        elif keyword in LISTS:
            parts = value
        else:
            parts = [value] if keyword in INSIDE else []
        for part in parts:
            yield from words(part)


def unknown(schema: dict[str, Any]) -> set[str]:
    """Return the keywords that neither the standard has nor, by their `x-`, say that they are our own."""
    return {word for word in words(schema) if word not in KNOWN and not word.startswith("x-")}


@pytest.mark.spec("CAT-B1")
def test_the_schema_of_documents_is_valid_and_says_nothing_that_the_standard_does_not_know():
    schema = schema_of_documents()
    jsonschema_rs.meta.validate(schema)
    assert unknown(schema) == set()


@pytest.mark.spec("CAT-B1")
@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_of_a_config_is_valid_and_says_nothing_that_the_standard_does_not_know(kind):
    entry = module_type_get(kind)
    assert entry.kind == kind
    jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **entry.schema})
    assert unknown(entry.schema) == set()
    assert json.loads(CliRunner().invoke(app, ["schema", kind]).stdout) == json.loads(json.dumps(entry.schema))


@pytest.mark.spec("CAT-B1", "D9")
@pytest.mark.parametrize(("port", "is_good"), [(8080, True), (0, True), ("8080", True), (-1, False), (65536, False)])
def test_an_optional_number_is_held_to_its_bounds_by_the_schema(port, is_good):
    document = {"modules": [{"name": "server", "type": "http.server", "config": {"address": ":1", "port": port}}]}
    assert jsonschema_rs.validator_for(schema_of_documents()).is_valid(document) is is_good
