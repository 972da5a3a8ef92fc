"""JSON Schemas of configs in the words of the standard alone, whatever pydantic's generator leaves in."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

# What pydantic leaves in a schema where it cannot apply a bound itself, and what the standard calls that.
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_PLAIN = frozenset({bool, int, float, str})  # types of values that JSON has


class StandardSchema(GenerateJsonSchema):
    """Generates draft 2020-12: bounds by their standard names, and no `discriminator`, which is OpenAPI's."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """Return the schema of one part."""
        found = super().generate_inner(schema)
        for said, keyword in _BOUNDS.items():
            if said in found:
                found[keyword] = found.pop(said)
        return found

    def encode_default(self, dft: Any) -> Any:
        """Return a default as JSON; most are plain values, for which pydantic would build a serializer each time."""
        if dft is None or type(dft) in _PLAIN:
            return dft
        return super().encode_default(dft)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Return the choices; each of them says its tag by a `const` of its own."""
        found = super().tagged_union_schema(schema)
        found.pop("discriminator", None)
        return found
