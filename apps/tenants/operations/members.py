"""Add people to the scope's tenant, change their roles, remove them; a tenant keeps an owner."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.core import audit, events
from apps.core.errors import Forbidden, NotFound, PreconditionFailed
from apps.core.scope import Actor, current_tenant
from apps.tenants import policy
from apps.tenants.errors import AlreadyTaken, LastOwner
from apps.tenants.events import MEMBER_ADDED, MEMBER_CHANGED, MEMBER_REMOVED
from apps.tenants.models import Membership, Role, User
from apps.tenants.queries import MemberView, member_get


@transaction.atomic
def membership_create(*, user: User, role: str, actor: Actor) -> MemberView:
    """Make a person a member; raises `Forbidden` and `AlreadyTaken`."""
    _demand_grant(actor, role)
    row = Membership(user_id=user.pk, role=role)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise AlreadyTaken(f"{user.email} is a member already.") from None
    _announce(MEMBER_ADDED, "member.add", row, {"email": user.email, "role": role})
    return member_get(membership_id=row.id)


def membership_ensure(*, user: User, role: str, actor: Actor) -> MemberView:
    """Return the person's membership, made with this role if there is none; for seeding."""
    row = _here().filter(user_id=user.pk).first()
    if row is not None:
        return member_get(membership_id=row.id)
    return membership_create(user=user, role=role, actor=actor)


@transaction.atomic
def membership_change_role(*, membership_id: UUID, role: str, revision: int, actor: Actor) -> MemberView:
    """Give a member another role.

    Raises `Forbidden`, `NotFound`, `PreconditionFailed` and, for the last owner, `LastOwner`.
    """
    _demand_grant(actor, role)
    row = _locked(membership_id)
    if row.revision != revision:
        raise PreconditionFailed
    if row.role == Role.OWNER and role != Role.OWNER:
        _demand_other_owner(row)
    row.role = role
    row.revision += 1
    row.save(update_fields=["role", "revision"])
    _announce(MEMBER_CHANGED, "member.change_role", row, {"role": role})
    return member_get(membership_id=row.id)


@transaction.atomic
def membership_remove(*, membership_id: UUID, actor: Actor) -> None:
    """Take a person out of the tenant; raises `Forbidden`, `NotFound`, `LastOwner`."""
    policy.require(actor, "members.edit")
    row = _locked(membership_id)
    if row.role == Role.OWNER:
        _demand_other_owner(row)
    _announce(MEMBER_REMOVED, "member.remove", row, {})
    row.delete()


def _here() -> "QuerySet[Membership]":
    """Return the scope's own: people may also read their memberships of other tenants, which do not count here."""
    return Membership.objects.filter(tenant_id=current_tenant())


def _locked(membership_id: UUID) -> Membership:
    """Lock all owners and the row itself, in the order of ids, so that two cannot remove each other at once."""
    rows = _here().select_for_update().order_by("id")
    list(rows.filter(role=Role.OWNER).values_list("id"))
    row = rows.filter(id=membership_id).first()
    if row is None:
        raise NotFound("There is no such member.")
    return row


def _demand_other_owner(row: Membership) -> None:
    if not _here().filter(role=Role.OWNER).exclude(id=row.id).exists():
        raise LastOwner("Make somebody else an owner first.")


def _demand_grant(actor: Actor, role: str) -> None:
    policy.require(actor, "members.edit")
    if not policy.may_grant(actor, role):
        raise Forbidden(f"You may not hand out the role {role}.")


def _announce(event: str, verb: str, row: Membership, details: dict[str, str]) -> None:
    audit.record(verb=verb, target="membership", target_id=row.id, details=details | {"user": str(row.user_id)})
    events.publish(event, membership_id=row.id, user_id=row.user_id)
    events.notify("member", current_tenant(), row.user_id)
