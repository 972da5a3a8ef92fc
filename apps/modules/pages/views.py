"""The pages of the catalogue: every module type by category, and the reference of each."""

from itertools import groupby
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from apps.core.errors import NotFound
from apps.core.pages.views import PageView, page
from apps.modules.queries import component_list, module_type_get, module_type_list

READ = "modules.read"
TITLES = {
    "http": "HTTP",
    "messaging": "Messaging",
    "statemachine": "State machines",
    "framework": "Framework",
    "storage": "Storage",
    "data": "Data",
    "observability": "Observability",
    "integration": "Integration",
    "auth": "Sign-in and tokens",
    "scheduling": "Scheduling",
    "branching": "Branching",
}


class Modules(PageView):
    """What a document may be made of."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show all types, narrowed by words."""
        words = request.GET.get("q", "").strip()
        wanted = words.lower()
        found = [one for one in module_type_list() if wanted in f"{one.kind} {one.title} {one.summary}".lower()]
        groups = [
            {"category": category, "title": TITLES.get(category, category), "types": list(types)}
            for category, types in groupby(found, key=lambda one: one.category)
        ]
        components = [one for one in component_list() if wanted in f"{one.name} {one.title}".lower()]
        context = {"groups": groups, "components": components, "words": words, "count": len(found)}
        return page(request, "modules/modules.html", context)


class Module(PageView):
    """The reference of one type: what it is for, its settings, its ports."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    def get(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Show it."""
        entry = module_type_get(kind)
        if entry is None:
            raise NotFound("There is no module type of this name.")
        settings = _settings(entry.schema)
        return page(request, "modules/module.html", {"entry": entry, "settings": settings})


def _settings(schema: dict[str, Any]) -> list[dict[str, Any]]:
    spelt = [part["anyOf"][0] for part in schema.get("allOf", []) if "anyOf" in part]  # required in one of its forms
    required = {key for part in (schema, *spelt) for key in part.get("required", [])}
    return [
        {
            "name": name,
            "type": _type(described),
            "is_required": name in required,
            "default": described.get("default"),
            "description": described.get("description", ""),
        }
        for name, described in schema.get("properties", {}).items()
        if "x-ignored" not in described and "x-same-as" not in described
    ]


def _type(described: dict[str, Any]) -> str:
    if "enum" in described:
        return " | ".join(str(value) for value in described["enum"])
    if "anyOf" in described:
        return " | ".join(dict.fromkeys(_type(one) for one in described["anyOf"]))
    if "$ref" in described:
        return str(described["$ref"]).rsplit("/", 1)[-1]
    if described.get("type") == "array":
        return f"list of {_type(described.get('items', {}))}"
    kind = described.get("type", "any")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)
