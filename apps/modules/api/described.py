"""The catalogue within the OpenAPI file: the kinds there are, and the shape of each one's config."""

from typing import Any

from apps.modules.queries import module_type_list

PREFIX = "Config."


def with_configs(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the config of every module type as `Config.<kind>`, and list the kinds; a hook of drf-spectacular."""
    schemas = result["components"]["schemas"]
    types = module_type_list()
    schemas["ModuleTypeOut"]["properties"]["kind"]["enum"] = sorted(entry.kind for entry in types)
    for entry in types:
        schemas[PREFIX + entry.kind] = _placed(entry.schema, f"#/components/schemas/{PREFIX}{entry.kind}")
    return result


def _placed(schema: Any, place: str) -> Any:
    """Return a schema whose references to its own parts start from where it stands in the file."""
    if isinstance(schema, dict):
        return {
            name: place + value[1:] if name == "$ref" and isinstance(value, str) else _placed(value, place)
            for name, value in schema.items()
            if name != "$schema"
        }
    return [_placed(value, place) for value in schema] if isinstance(schema, list) else schema
