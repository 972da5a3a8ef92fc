"""The tenant of a request is in its address; here it is checked against who calls, and the scope is opened.

The scope spans the whole answer, rendering included: one transaction, read-only for GET and HEAD, undone when the
answer is 500 or worse. Somebody who does not belong to the tenant gets the same 404 as for a tenant that does not
exist.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import TemplateDoesNotExist

from apps.core.api.problems import as_refusal, problem_instead, problem_response
from apps.core.errors import NotFound, Unauthenticated, WeftError
from apps.core.scope import Actor, roll_back, scope
from apps.tenants.queries import TenantRef, key_by_id, role_of, tenant_by_slug, user_actor
from apps.tenants.rules import key_text

TENANT_PATH = re.compile(r"/t/([^/]+)(?:/|$)")
TENANT_API_PATH = re.compile(r"/t/[^/]+/api/")
KEY_API_PATH = "/api/v1/"
READING = frozenset({"GET", "HEAD", "OPTIONS"})

Answer = Callable[[HttpRequest], HttpResponse]


class TenantScopeMiddleware:
    """Opens the scope of `/t/<tenant>/...` and of `/api/v1/...`; sets `request.tenant` and `request.actor`."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer within the caller's scope, or without one where the address has no tenant."""
        in_tenant = TENANT_PATH.match(request.path_info)
        is_api = request.path_info.startswith(KEY_API_PATH) or bool(TENANT_API_PATH.match(request.path_info))
        if not in_tenant and not is_api:
            return self.get_response(request)
        try:
            tenant, actor = _principal(request, in_tenant[1] if in_tenant else None)
        except WeftError as refusal:
            return _refused(request, refusal, is_api=is_api)
        response = self._scoped(request, tenant, actor)
        return problem_instead(request, response) if is_api else response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer what a page's operation refuses; the API has its own handler, faults of ours are Django's."""
        refusal = as_refusal(error) if isinstance(error, WeftError | DataError) else None
        return _refused(request, refusal, is_api=False) if refusal else None

    def _scoped(self, request: HttpRequest, tenant: TenantRef, actor: Actor) -> HttpResponse:
        request.tenant, request.actor = tenant, actor  # type: ignore[attr-defined]
        with scope(tenant.id, actor, read_only=request.method in READING):
            response = self.get_response(request)
            if response.status_code >= 500:
                roll_back()
        return response


def _principal(request: HttpRequest, slug: str | None) -> tuple[TenantRef, Actor]:
    """Return the tenant and who calls; raise `Unauthenticated` or, for a stranger, `NotFound`."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind:
        return _by_key(given.strip() if kind.lower() == "bearer" else "", slug)
    user = request.user
    if slug is None or not user.is_authenticated:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    tenant = tenant_by_slug(slug)
    role = role_of(tenant_id=tenant.id, user=user) if tenant else None
    if tenant is None or role is None:
        raise NotFound
    return tenant, user_actor(user, role)


def _by_key(given: str, slug: str | None) -> tuple[TenantRef, Actor]:
    parsed = key_text.parse(given)
    tenant = tenant_by_slug(parsed.tenant_slug) if parsed else None
    record = key_by_id(tenant_id=tenant.id, key_id=parsed.key_id) if parsed and tenant else None
    if parsed is None or tenant is None or record is None or not parsed.opens(record.secret_hash):
        raise Unauthenticated(
            "The API key is not valid.",
            code="key.invalid",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    if slug is not None and slug != tenant.slug:
        raise NotFound
    return tenant, record.actor()


def _refused(request: HttpRequest, refusal: WeftError, *, is_api: bool) -> HttpResponse:
    if is_api:
        return problem_response(request, refusal)
    if isinstance(refusal, Unauthenticated):
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?next={quote(request.get_full_path())}")
    try:
        return render(request, f"{refusal.status}.html", {"refusal": refusal}, status=refusal.status)
    except TemplateDoesNotExist:
        return HttpResponse(refusal.title, status=refusal.status, content_type="text/plain; charset=utf-8")
