"""Who calls: the middleware has found out and opened the scope; here it is handed on, and forgery is refused."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from apps.core.errors import Forbidden
from apps.core.scope import Actor


class ScopeAuthentication(BaseAuthentication):
    """Takes the actor of the open scope; calls of signed-in browsers must carry the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        """Return the person (or None for a key) and the actor; None when nobody is known."""
        actor: Actor | None = getattr(request._request, "actor", None)
        if actor is None:
            return None
        if actor.kind == "user":
            _demand_csrf(request._request)
        return getattr(request._request, "user", None), actor

    def authenticate_header(self, request: Request) -> str:
        """Say how to authenticate."""
        return "Bearer"


def _unused(request: HttpRequest) -> HttpResponse:
    raise AssertionError("The CSRF check calls no view.")


def _demand_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(_unused)
    check.process_request(request)
    if refusal := check.process_view(request, _unused, (), {}):
        raise Forbidden(f"CSRF: {refusal}", code="csrf.failed")
