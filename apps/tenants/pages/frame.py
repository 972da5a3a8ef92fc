"""What the frame around every page shows: tenant, environment, project, places to go, theme."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from apps.core.pages.places import environment_of
from apps.core.pages.views import actor_of
from apps.core.scope import in_scope
from apps.tenants.policy import may
from apps.tenants.queries import ProjectView, environment_list, project_list, tenant_get

THEMES = ("system", "light", "dark")
PLACES = (
    ("Home", "home", "home", "h", "runs.read"),
    ("Workflows", "workflows", "workflows", "w", "workflows.read"),
    ("Runs", "runs", "runs", "r", "runs.read"),
    ("Schedules", "schedules", "schedules", "c", "schedules.read"),
    ("Instances", "instances", "instances", "i", "instances.read"),
    ("Messages", "messages", "messages", "e", "messages.read"),
    ("Modules", "modules", "modules", "m", "modules.read"),
    ("Settings", "settings", "settings", "s", "tenant.read"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the rail."""

    title: str
    icon: str
    key: str
    url: str
    is_here: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame's values; on pages outside a tenant only the theme."""
    theme = request.COOKIES.get("weft_theme", "")
    rail = "narrow" if request.COOKIES.get("weft_rail") == "narrow" else "wide"
    base = {"theme": theme if theme in THEMES else "system", "rail": rail}
    if not in_scope() or not hasattr(request, "tenant"):
        return base
    slug: str = request.tenant.slug
    environments = environment_list()
    projects = project_list(limit=200).items
    return base | {
        "tenant": tenant_get(),
        "environments": environments,
        "environment": environment_of(request, environments),
        "projects": sorted(projects, key=lambda one: one.name.lower()),
        "project": _chosen(projects, request.GET.get("project", "")),
        "places": _places(request, slug),
        "actor": actor_of(request),
    }


def _chosen(projects: list[ProjectView], slug: str) -> ProjectView | None:
    return next((one for one in projects if one.slug == slug), None)


def _places(request: HttpRequest, slug: str) -> list[Place]:
    found = []
    actor = actor_of(request)
    for title, name, icon, key, permission in PLACES:
        url = _url(name, slug)
        if url is not None and may(actor, permission):
            is_here = request.path == url if name == "home" else f"{request.path}/".startswith(f"{url}/")
            found.append(Place(title, icon, key, url, is_here))
    return found


def _url(name: str, slug: str) -> str | None:
    try:
        return reverse(name, kwargs={"tenant": slug})
    except NoReverseMatch:
        return None
