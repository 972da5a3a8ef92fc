"""Invite people by mail and let them in; the link is signed and names its tenant, nothing of it is stored."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.urls import NoReverseMatch, reverse

from apps.core import audit, events, jobs
from apps.core.clock import now
from apps.core.errors import Conflict, Forbidden, NotFound
from apps.core.scope import SYSTEM, Actor, current_tenant, scope
from apps.engine.ids import uuid7
from apps.tenants import policy
from apps.tenants.errors import InvitationOver, OtherAddress
from apps.tenants.events import INVITATION_CREATED, INVITATION_REVOKED
from apps.tenants.models import Invitation, Membership, User
from apps.tenants.operations.members import membership_create
from apps.tenants.operations.users import email_normal, user_create
from apps.tenants.queries import TenantRef, tenant_by_slug, tenant_get

SALT = "apps.tenants.invitation"
LIFE = timedelta(days=7)
SEND = "tenants.invitation_send"


@dataclass(frozen=True, slots=True)
class InvitationPreview:
    """What the invited person sees before accepting."""

    tenant_slug: str
    tenant_name: str
    email: str
    role: str
    invited_by: str
    has_account: bool


@transaction.atomic
def invitation_create(*, email: str, role: str, actor: Actor) -> Invitation:
    """Offer membership of the scope's tenant and mail the link; raises `Forbidden`, `Invalid`, `Conflict`."""
    policy.require(actor, "invitations.edit")
    if not policy.may_grant(actor, role):
        raise Forbidden(f"You may not hand out the role {role}.")
    normal = email_normal(email)
    if Membership.objects.filter(user__email=normal).exists():
        raise Conflict(f"{normal} is a member already.")
    row = Invitation(email=normal, role=role, invited_by=actor.label, expires_at=now() + LIFE)
    row.save(force_insert=True)
    row.refresh_from_db(fields=["created_at"])
    details = {"email": normal, "role": role}
    audit.record(verb="invitation.create", target="invitation", target_id=row.id, details=details)
    events.publish(INVITATION_CREATED, invitation_id=row.id)
    jobs.defer(SEND, invitation_id=row.id)
    return row


@transaction.atomic
def invitation_revoke(*, invitation_id: UUID, actor: Actor) -> None:
    """Withdraw an open invitation; raises `Forbidden`, `NotFound`, `InvitationOver`."""
    policy.require(actor, "invitations.edit")
    row = Invitation.objects.select_for_update().filter(id=invitation_id).first()
    if row is None:
        raise NotFound("There is no such invitation.")
    if row.accepted_at or row.revoked_at:
        raise InvitationOver
    row.revoked_at = now()
    row.save(update_fields=["revoked_at"])
    audit.record(verb="invitation.revoke", target="invitation", target_id=row.id)
    events.publish(INVITATION_REVOKED, invitation_id=row.id)


def invitation_link(*, tenant_id: UUID, invitation_id: UUID) -> str:
    """Return the address that lets the invited person in."""
    token = signing.dumps({"tenant": str(tenant_id), "invitation": str(invitation_id)}, salt=SALT)
    try:
        path = reverse("invitation", kwargs={"token": token})
    except NoReverseMatch:
        path = f"/invitations/{token}"
    return f"{settings.PUBLIC_URL}{path}"


def invitation_preview(*, token: str) -> InvitationPreview:
    """Return what a link offers; raise `InvitationOver`. Opens a scope of its own."""
    tenant_id, invitation_id = _opened(token)
    with scope(tenant_id, SYSTEM, read_only=True):
        row = _open_invitation(Invitation.objects.filter(id=invitation_id).first())
        tenant = _active_tenant()
        known = User.objects.filter(email=row.email).exists()
        return InvitationPreview(tenant.slug, tenant_get().name, row.email, row.role, row.invited_by, known)


def invitation_accept(
    *, token: str, user: User | None = None, name: str = "", password: str = ""
) -> tuple[User, TenantRef]:
    """Make the invited person a member: the signed-in `user`, or a new account with `name` and `password`.

    Opens a scope of its own. Raises `InvitationOver`, `OtherAddress`, `Invalid`, and `Conflict` when the address has an
    account that must sign in first.
    """
    tenant_id, invitation_id = _opened(token)
    user_id = user.pk if user else uuid7()
    label = user.email if user else "invited"
    with scope(tenant_id, Actor(kind="user", id=user_id, label=label)):
        row = _open_invitation(Invitation.objects.select_for_update().filter(id=invitation_id).first())
        tenant = _active_tenant()
        if user is not None and user.email != row.email:
            raise OtherAddress(f"Sign in as {row.email} to accept it.")
        if user is None and User.objects.filter(email=row.email).exists():
            raise Conflict(f"{row.email} has an account: sign in, then open this link again.", code="sign-in.first")
        user = user or user_create(id=user_id, email=row.email, name=name, password=password)
        membership_create(user=user, role=row.role, actor=SYSTEM)
        row.accepted_at = now()
        row.save(update_fields=["accepted_at"])
        audit.record(verb="invitation.accept", target="invitation", target_id=row.id, details={"email": row.email})
    return user, tenant


def invitation_send(*, invitation_id: UUID) -> None:
    """Mail the link of an open invitation of the scope's tenant; nothing happens for one that is over."""
    row = Invitation.objects.filter(id=invitation_id).first()
    if row is None or row.accepted_at or row.revoked_at:
        return
    link = invitation_link(tenant_id=current_tenant(), invitation_id=row.id)
    text = (
        f"{row.invited_by} invites you to {tenant_get().name} as {row.role}.\n\n"
        f"{link}\n\nThe link works until {row.expires_at:%d %B %Y} and once only."
    )
    send_mail(f"Invitation to {tenant_get().name}", text, None, [row.email])


def _opened(token: str) -> tuple[UUID, UUID]:
    try:
        data = signing.loads(token, salt=SALT, max_age=LIFE)
        return UUID(data["tenant"]), UUID(data["invitation"])
    except (signing.BadSignature, KeyError, ValueError, TypeError):
        raise InvitationOver from None


def _open_invitation(row: Invitation | None) -> Invitation:
    if row is None or row.accepted_at or row.revoked_at or row.expires_at <= now():
        raise InvitationOver
    return row


def _active_tenant() -> TenantRef:
    found = tenant_by_slug(tenant_get().slug)
    if found is None:
        raise InvitationOver
    return found
