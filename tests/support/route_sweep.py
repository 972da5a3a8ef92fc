"""Every route and method, called with one tenant's ids under another tenant's session and key."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from apps.core.api.permissions import PUBLIC, SIGNED_IN, Route, routes
from tests.support.clients import Caller, browser_of, with_key
from tests.support.database import TestDatabase
from tests.support.isolation import Examples, Sweep
from tests.support.table_sweep import Witness
from tests.support.tenants import TenantFixture

PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
IN_TENANT = "t/<slug:tenant>/"
BY_KEY = "api/v1/"
TAKES_BODY = frozenset({"POST", "PUT", "PATCH"})

# Routes without a tenant in their address: reachable by design for whom the permission says.
SHARED = {
    "": SIGNED_IN,
    "api/docs": PUBLIC,
    "api/openapi.yaml": PUBLIC,
    "invitations/<str:token>": PUBLIC,
    "metrics": PUBLIC,
    "sign-in": PUBLIC,
    "sign-out": PUBLIC,
}
OPERATORS = "admin/"
OPEN_TO_ALL = {"admin/jsi18n/"}
NAMED_GROUP = re.compile(r"\^?\(\?P<\w+>[^)]*\)")


@dataclass(frozen=True)
class Call:
    """One attempt: an address with A's ids, and who calls it."""

    route: Route
    caller: Caller
    path: str
    must_be_missing: bool


class RouteSweep:
    """Collects the attempts on all routes, makes them, and looks at A's rows after each."""

    def __init__(self, database: TestDatabase, a: TenantFixture, b: TenantFixture, known: Examples) -> None:
        self.database, self.a, self.b, self.known = database, a, b, known
        self.sweep = Sweep("routes")
        self.session = browser_of(b.owner, b.slug)
        self.key = with_key(b.key)
        self.witness = Witness(database, a.id)

    def run(self, only: Callable[[Route], bool] = lambda route: True) -> Sweep:
        """Try all routes of the URL conf that `only` lets through."""
        for route in filter(only, routes()):
            self.sweep.count += 1
            if route.pattern.startswith(OPERATORS):
                self._operators_only(route)
            elif route.permission is None and SHARED.get(route.pattern) != PUBLIC:
                self.sweep.uncovered.append(f"{route.method} {route.pattern} ({route.view}) names no permission")
            elif route.pattern.startswith((IN_TENANT, BY_KEY)):
                self._attack(route)
            elif SHARED.get(route.pattern) != (route.permission or PUBLIC):
                listed = SHARED.get(route.pattern)
                self.sweep.uncovered.append(f"{route.method} {route.pattern} is {route.permission}, listed: {listed}")
        self.witness.close()
        return self.sweep

    def _operators_only(self, route: Route) -> None:
        """A member of a tenant, even an owner, is sent away from the admin."""
        path = PLACE.sub(str(self.a.id), NAMED_GROUP.sub("tenants", route.pattern)).rstrip("$")
        answer = self.session.get(f"/{path}")
        if answer.status_code < 300 and route.pattern not in OPEN_TO_ALL:
            self.sweep.breaches.append(f"{route.pattern} opens to somebody who is no operator")

    def _attack(self, route: Route) -> None:
        found = {
            name: self.known.parameter(route.pattern, name) for name in PLACE.findall(route.pattern) if name != "tenant"
        }
        if missing := sorted(name for name, example in found.items() if example is None):
            self.sweep.uncovered.append(
                f"{route.pattern}: no example for {', '.join(missing)} in tests/support/examples"
            )
            return
        has_id = any(example.is_id for example in found.values() if example)
        bodies = self._bodies(route, has_id)
        if not bodies:
            self.sweep.uncovered.append(f"{route.method} {route.pattern}: no body or form in tests/support/examples")
        values = {name: str(example.value(self.a)) for name, example in found.items() if example}
        for call in self._calls(route, values, has_id):
            for content in bodies:
                self._make(call, content)

    def _calls(self, route: Route, values: dict[str, str], has_id: bool) -> Iterable[Call]:
        def path(slug: str) -> str:
            return "/" + PLACE.sub(lambda place: {**values, "tenant": slug}[place[1]], route.pattern)

        if route.pattern.startswith(IN_TENANT):
            yield Call(route, self.session, path(self.a.slug), must_be_missing=True)
            yield Call(route, self.key, path(self.a.slug), must_be_missing=True)
            yield Call(route, self.session, path(self.b.slug), must_be_missing=has_id)
        else:
            yield Call(route, self.key, path(self.b.slug), must_be_missing=has_id)

    def _make(self, call: Call, content: Any) -> None:
        if call.route.method == "POST" and not call.route.is_api:
            answer = call.caller.submit(call.path, content)
        else:
            answer = call.caller.call(call.route.method, call.path, content, {"If-Match": '"1"'})
        what = f"{call.route.method} {call.path} ({call.route.pattern})"
        if call.must_be_missing and answer.status_code != 404:
            self.sweep.breaches.append(f"{what} answers {answer.status_code}, not 404: {_start(answer)}")
        if answer.status_code >= 500:
            self.sweep.breaches.append(f"{what} answers {answer.status_code}")
        if tell := [mark for mark in self._marks() if mark in _text(answer)]:
            self.sweep.breaches.append(f"{what} tells {tell}")
        self.sweep.breaches += [f"{what} changed {name}" for name in self.witness.changed()]

    def _bodies(self, route: Route, has_id: bool) -> list[Any]:
        """Return what is sent: forms to a page, one JSON body to the API; a page about one row may take no fields."""
        if route.method not in TAKES_BODY:
            return [None]
        if not route.is_api:
            return [value(self.a) for value in self.known.forms.get(route.pattern, [])] or [{}] * has_id
        body = self.known.body(route.method, route.pattern)
        return [body(self.a)] if body else []

    def _marks(self) -> tuple[str, ...]:
        return self.a.slug, str(self.a.id), self.a.owner.email, str(self.a.project.id), str(self.a.key_id)


def _text(answer: HttpResponse) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace")


def _start(answer: HttpResponse) -> str:
    return _text(answer)[:200]
