"""The tenant itself, its members and invitations."""

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import idempotent
from apps.core.api.preconditions import revision_demanded, with_etag
from apps.core.api.schema import CURSOR, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.tenants import queries
from apps.tenants.api import serializers as shapes
from apps.tenants.operations import invitations, members, tenants


class TenantView(ApiView):
    """The tenant that the address or the key names."""

    permissions: ClassVar = {"GET": "tenant.read", "PATCH": "tenant.edit"}

    @call("tenant_get", answers=shapes.TenantOut, tags=("tenant",))
    def get(self, request: Request) -> Response:
        """Return the tenant."""
        found = queries.tenant_get()
        return with_etag(Response(shapes.TenantOut(found).data), found.revision)

    @call(
        "tenant_rename",
        takes=shapes.TenantIn,
        answers=shapes.TenantOut,
        parameters=(IF_MATCH,),
        refuses=(412, 422, 428),
        tags=("tenant",),
    )
    def patch(self, request: Request) -> Response:
        """Give the tenant another name."""
        given = self.body(shapes.TenantIn)
        found = tenants.tenant_rename(**given, revision=revision_demanded(request), actor=self.actor)
        return with_etag(Response(shapes.TenantOut(found).data), found.revision)


class MembersView(ApiView):
    """The tenant's people."""

    permissions: ClassVar = {"GET": "members.read"}

    @call("member_list", answers=page_of(shapes.MemberOut), parameters=(CURSOR, LIMIT), tags=("members",))
    def get(self, request: Request) -> Response:
        """List people, newest first."""
        wanted = paging.wanted(request)
        found = queries.member_list(after=wanted.after, limit=wanted.limit)
        return paging.answer(found, lambda row: shapes.MemberOut(row).data)


class MemberView(ApiView):
    """One person's membership."""

    permissions: ClassVar = {"GET": "members.read", "PATCH": "members.edit", "DELETE": "members.edit"}

    @call("member_get", answers=shapes.MemberOut, tags=("members",))
    def get(self, request: Request, member_id: UUID) -> Response:
        """Return the membership."""
        found = queries.member_get(membership_id=member_id)
        return with_etag(Response(shapes.MemberOut(found).data), found.revision)

    @call(
        "membership_change_role",
        takes=shapes.RoleIn,
        answers=shapes.MemberOut,
        parameters=(IF_MATCH,),
        refuses=(409, 412, 422, 428),
        tags=("members",),
    )
    def patch(self, request: Request, member_id: UUID) -> Response:
        """Give the person another role."""
        given = self.body(shapes.RoleIn)
        revision = revision_demanded(request)
        found = members.membership_change_role(membership_id=member_id, **given, revision=revision, actor=self.actor)
        return with_etag(Response(shapes.MemberOut(found).data), found.revision)

    @call("membership_remove", status=204, refuses=(409,), tags=("members",))
    def delete(self, request: Request, member_id: UUID) -> Response:
        """Take the person out of the tenant."""
        members.membership_remove(membership_id=member_id, actor=self.actor)
        return Response(status=204)


class InvitationsView(ApiView):
    """Offers of membership."""

    permissions: ClassVar = {"GET": "invitations.read", "POST": "invitations.edit"}

    @call("invitation_list", answers=page_of(shapes.InvitationOut), parameters=(CURSOR, LIMIT), tags=("invitations",))
    def get(self, request: Request) -> Response:
        """List invitations, newest first."""
        wanted = paging.wanted(request)
        found = queries.invitation_list(after=wanted.after, limit=wanted.limit)
        return paging.answer(found, lambda row: shapes.InvitationOut(row).data)

    @call(
        "invitation_create",
        takes=shapes.InvitationIn,
        answers=shapes.InvitationOut,
        status=201,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 422),
        tags=("invitations",),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Invite somebody by mail."""
        made = invitations.invitation_create(**self.body(shapes.InvitationIn), actor=self.actor)
        return Response(shapes.InvitationOut(made).data, status=201)


class InvitationView(ApiView):
    """One invitation."""

    permissions: ClassVar = {"DELETE": "invitations.edit"}

    @call("invitation_revoke", status=204, tags=("invitations",))
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        """Withdraw the invitation."""
        invitations.invitation_revoke(invitation_id=invitation_id, actor=self.actor)
        return Response(status=204)
