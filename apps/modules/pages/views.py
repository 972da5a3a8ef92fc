"""The pages of the catalogue: every module type by category, and the reference of each."""

from itertools import groupby
from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from apps.core.errors import NotFound
from apps.core.pages.views import PageView, page
from apps.modules.pages.reference import EFFECTS, ignored_keys_of, level_words, settings_of
from apps.modules.queries import (
    component_list,
    module_type_example,
    module_type_get,
    module_type_level,
    module_type_list,
)

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
        context = {
            "entry": entry,
            "settings": settings_of(entry.schema),
            "ignored": ignored_keys_of(entry.schema),
            "effect": EFFECTS[entry.effect],
            "level": level_words(module_type_level(entry.kind)),
            "example": module_type_example(entry.kind),
        }
        return page(request, "modules/module.html", context)
