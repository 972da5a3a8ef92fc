"""Callers of the control plane: a signed-in browser or a program with an API key, in the right tenant's address."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apps.tenants.models import User
from tests.support.tenants import TenantFixture

Headers = dict[str, str] | None


class Caller:
    """Calls addresses relative to `base` and returns Django's response; bodies are JSON."""

    def __init__(self, base: str, headers: dict[str, str], client: Client | None = None) -> None:
        self.base = base
        self.headers = headers
        self.client = client or Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, headers: Headers = None) -> HttpResponse:
        """Send one request; `path` is relative to the API's base unless it begins with a slash."""
        address = path if path.startswith("/") else f"{self.base}{path}"
        content = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(
            method, address, content, content_type="application/json", headers=self.headers | (headers or {})
        )

    def submit(self, path: str, fields: dict[str, Any]) -> HttpResponse:
        """Post a form, as a page does."""
        address = path if path.startswith("/") else f"{self.base}{path}"
        return self.client.post(address, fields, headers=self.headers)

    def get(self, path: str, headers: Headers = None) -> HttpResponse:
        """Read."""
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, headers: Headers = None) -> HttpResponse:
        """Create or command."""
        return self.call("POST", path, body, headers)

    def put(self, path: str, body: Any = None, headers: Headers = None) -> HttpResponse:
        """Set."""
        return self.call("PUT", path, body, headers)

    def patch(self, path: str, body: Any = None, headers: Headers = None) -> HttpResponse:
        """Change."""
        return self.call("PATCH", path, body, headers)

    def delete(self, path: str, headers: Headers = None) -> HttpResponse:
        """Remove."""
        return self.call("DELETE", path, headers=headers)


def with_key(key: str) -> Caller:
    """Return a program that calls `/api/v1/` with an API key."""
    return Caller("/api/v1/", {"Authorization": f"Bearer {key}"})


def client_for(tenant: TenantFixture, role: str = "owner") -> Caller:
    """Return a program with a key of `role` in the tenant."""
    return with_key(tenant.key if role == "owner" else tenant.key_as(role))


def browser_of(user: User, slug: str) -> Caller:
    """Return a browser in which `user` is signed in, at the address of the tenant `slug`; CSRF is enforced."""
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(user)
    client.cookies["weft_csrf"] = "c" * 32
    return Caller(f"/t/{slug}/api/v1/", {"X-CSRFToken": "c" * 32}, client)


def browser_for(tenant: TenantFixture, role: str = "owner") -> Caller:
    """Return a browser in which a member with `role` is signed in."""
    return browser_of(tenant.person(role), tenant.slug)
