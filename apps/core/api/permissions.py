"""Deny by default: every route and method names the permission it needs, and one judge decides.

The judge is `tenants.policy.may`, handed in at start-up because this app stands below it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from apps.core.scope import Actor

Judge = Callable[[Actor, str], bool]
SIGNED_IN = "signed-in"
PUBLIC = "public"

_judges: list[Judge] = []


def judge_by(judge: Judge) -> None:
    """Set the function that decides whether an actor has a permission."""
    _judges[:] = [judge]


def allowed(actor: Actor, permission: str) -> bool:
    """Ask the judge; without one nothing is allowed."""
    return permission == SIGNED_IN or any(judge(actor, permission) for judge in _judges)


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method with the permission it names; None when it names none."""

    pattern: str
    method: str
    permission: str | None
    view: str

    @property
    def is_api(self) -> bool:
        """Say whether this is a call of the API, not a page."""
        return "api/v1/" in self.pattern


def routes() -> list[Route]:
    """List every route and method of the URL conf, in order."""
    return [route for pattern, found in _patterns(get_resolver()) for route in _routes_of(pattern, found)]


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, pattern)
        else:
            yield pattern, entry


def _routes_of(pattern: str, entry: URLPattern) -> Iterator[Route]:
    view = getattr(entry.callback, "view_class", None) or getattr(entry.callback, "cls", None) or entry.callback
    name = f"{view.__module__}.{getattr(view, '__qualname__', type(view).__name__)}"
    permissions: dict[str, str] = getattr(view, "permissions", {})
    methods = permissions.keys() | (_methods(view) if isinstance(view, type) else {"GET"} - permissions.keys())
    for method in sorted(methods):
        yield Route(pattern, method, permissions.get(method), name)


def _methods(view: type) -> set[str]:
    names = getattr(view, "http_method_names", ())
    return {name.upper() for name in names if name not in {"options", "head", "trace"} and hasattr(view, name)}
