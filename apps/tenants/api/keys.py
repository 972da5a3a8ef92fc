"""API keys, and the audit rows of the tenant."""

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import demand_no_key
from apps.core.api.schema import CURSOR, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.tenants import queries
from apps.tenants.api import serializers as shapes
from apps.tenants.operations import keys


class KeysView(ApiView):
    """The tenant's API keys."""

    permissions: ClassVar = {"GET": "keys.read", "POST": "keys.edit"}

    @call("key_list", answers=page_of(shapes.KeyOut), parameters=(CURSOR, LIMIT), tags=("keys",))
    def get(self, request: Request) -> Response:
        """List keys without their secrets, newest first."""
        wanted = paging.wanted(request)
        found = queries.key_list(after=wanted.after, limit=wanted.limit)
        return paging.answer(found, lambda row: shapes.KeyOut(row).data)

    @call("api_key_create", takes=shapes.KeyIn, answers=shapes.NewKeyOut, status=201, refuses=(422,), tags=("keys",))
    def post(self, request: Request) -> Response:
        """Make a key; its text is in this answer and nowhere else, so an Idempotency-Key is refused."""
        demand_no_key(request, "The key's text is shown once and not kept, so the answer could not be given again.")
        made = keys.api_key_create(**self.body(shapes.KeyIn), actor=self.actor)
        return Response({**shapes.KeyOut(made.row).data, "key": made.text}, status=201)


class KeyView(ApiView):
    """One API key."""

    permissions: ClassVar = {"DELETE": "keys.edit"}

    @call("api_key_revoke", status=204, tags=("keys",))
    def delete(self, request: Request, key_id: UUID) -> Response:
        """End the key."""
        keys.api_key_revoke(key_id=key_id, actor=self.actor)
        return Response(status=204)


class AuditView(ApiView):
    """Who did what."""

    permissions: ClassVar = {"GET": "audit.read"}

    @call("audit_list", answers=page_of(shapes.AuditOut), parameters=(CURSOR, LIMIT), tags=("audit",))
    def get(self, request: Request) -> Response:
        """List audit rows, newest first."""
        wanted = paging.wanted(request)
        found = queries.audit_list(after=wanted.after, limit=wanted.limit)
        return paging.answer(found, lambda row: shapes.AuditOut(row).data)
