"""Being invited: the link, who may use it, and how often."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings

from apps.core import outbox
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.core.scope import SYSTEM, scope
from apps.tenants.errors import InvitationOver, OtherAddress
from apps.tenants.models import Invitation
from apps.tenants.operations.invitations import (
    invitation_accept,
    invitation_create,
    invitation_link,
    invitation_preview,
    invitation_revoke,
)
from apps.tenants.operations.tenants import tenant_create
from apps.tenants.queries import memberships_of, operator_actor
from apps.tenants.tasks import invitation_send
from tests.support.tenants import PASSWORD, TenantFixture, make_person

pytestmark = pytest.mark.spec("SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]


def invite(tenant: TenantFixture, email: str, role: str = "editor") -> tuple[Invitation, str]:
    with scope(tenant.id, tenant.actor):
        row = invitation_create(email=email, role=role, actor=tenant.actor)
    link = invitation_link(tenant_id=tenant.id, invitation_id=row.id)
    return row, link.rpartition("/")[2]


def address() -> str:
    return f"{uuid4().hex[:12]}@example.test"


@pytest.mark.spec("SPINE-B3.8")
def test_a_new_person_gets_an_account_and_the_membership(two_tenants: Two) -> None:
    a, _ = two_tenants
    email = address()
    _, token = invite(a, email.upper())
    seen = invitation_preview(token=token)
    assert (seen.tenant_slug, seen.email, seen.role, seen.has_account) == (a.slug, email, "editor", False)
    user, tenant = invitation_accept(token=token, name="New", password=PASSWORD)
    assert (user.email, tenant.slug) == (email, a.slug)
    assert [(found.slug, found.role) for found in memberships_of(user=user)] == [(a.slug, "editor")]


def test_somebody_with_an_account_signs_in_first(two_tenants: Two) -> None:
    a, b = two_tenants
    _, token = invite(a, b.owner.email)
    with pytest.raises(Conflict) as refused:
        invitation_accept(token=token, name="Thief", password=PASSWORD)
    assert refused.value.problem_code == "sign-in.first"
    invitation_accept(token=token, user=b.owner)
    assert {found.slug for found in memberships_of(user=b.owner)} == {a.slug, b.slug}


def test_a_link_is_for_its_address_only(two_tenants: Two) -> None:
    a, b = two_tenants
    _, token = invite(a, address())
    with pytest.raises(OtherAddress):
        invitation_accept(token=token, user=b.owner)
    assert [found.slug for found in memberships_of(user=b.owner)] == [b.slug]


@pytest.mark.spec("SPINE-B3.8")
def test_a_link_works_once(two_tenants: Two) -> None:
    a, _ = two_tenants
    _, token = invite(a, address())
    user, _ = invitation_accept(token=token, name="New", password=PASSWORD)
    with pytest.raises(InvitationOver):
        invitation_accept(token=token, user=user)


def test_a_revoked_an_old_and_a_forged_link_are_over(two_tenants: Two, move_clock: Callable[[str], None]) -> None:
    a, _ = two_tenants
    row, revoked = invite(a, address())
    with scope(a.id, a.actor):
        invitation_revoke(invitation_id=row.id, actor=a.actor)
    _, old = invite(a, address())
    move_clock("8 days")
    for token in (revoked, old, old[:-1], "nonsense"):
        with pytest.raises(InvitationOver):
            invitation_preview(token=token)


def test_a_weak_password_accepts_nothing(two_tenants: Two) -> None:
    a, _ = two_tenants
    _, token = invite(a, address())
    with pytest.raises(Invalid):
        invitation_accept(token=token, name="New", password="short")
    assert not invitation_preview(token=token).has_account


def test_members_are_not_invited_again_and_editors_invite_nobody(two_tenants: Two) -> None:
    a, _ = two_tenants
    with pytest.raises(Conflict):
        invite(a, a.owner.email)
    editor = a.actor_as("editor")
    with pytest.raises(Forbidden), scope(a.id, editor):
        invitation_create(email=address(), role="viewer", actor=editor)


@pytest.mark.spec("SPINE-B3.8")
def test_the_link_is_mailed_after_the_commit(two_tenants: Two, mailoutbox: list[Any]) -> None:
    a, _ = two_tenants
    row, token = invite(a, address())
    assert mailoutbox == []
    invitation_send(tenant_id=str(a.id), invitation_id=str(row.id))
    assert mailoutbox[0].to == [row.email]
    assert f"{settings.PUBLIC_URL}/invitations/{token.partition(':')[0]}" in mailoutbox[0].body


def test_the_job_leaves_the_outbox_when_it_was_handed_over(two_tenants: Two) -> None:
    a, _ = two_tenants
    invite(a, address())
    with psycopg.connect(settings.DATABASE_RELAY_URL) as relay:
        while outbox.deliver(relay, limit=1000) == 1000:  # earlier tests of this database left theirs
            relay.commit()
        left = relay.execute("select count(*) from core_outbox where tenant_id = %s", [a.id]).fetchone()
    assert left == (0,)


def test_a_stranger_belongs_nowhere(two_tenants: Two) -> None:
    assert memberships_of(user=make_person()) == []


@pytest.mark.spec("SPINE-B3.8")
def test_an_operator_makes_a_tenant_and_invites_its_owner(two_tenants: Two) -> None:
    operator = operator_actor(make_person(is_operator=True))
    made = tenant_create(slug=f"new-{uuid4().hex[:8]}", name="New", actor=operator)
    with scope(made.id, operator):
        row = invitation_create(email=address(), role="owner", actor=operator)
    token = invitation_link(tenant_id=made.id, invitation_id=row.id).rpartition("/")[2]
    user, _ = invitation_accept(token=token, name="Owner", password=PASSWORD)
    assert [(found.slug, found.role) for found in memberships_of(user=user)] == [(made.slug, "owner")]
    with pytest.raises(Forbidden):
        tenant_create(slug="mine", name="Mine", actor=two_tenants[0].actor)
    with scope(made.id, SYSTEM):
        assert Invitation.objects.get(id=row.id).accepted_at is not None
