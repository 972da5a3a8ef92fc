"""Signing in and out, choosing a tenant, accepting an invitation, as people without scripts see it."""

import pytest
from django.test import Client

from apps.core.scope import scope
from apps.tenants.operations.invitations import invitation_create, invitation_link
from tests.integration.pages.browsing import reader_of, text_of
from tests.support.tenants import TenantFixture, make_person

Tenants = tuple[TenantFixture, TenantFixture]
pytestmark = pytest.mark.spec("SPINE-B8")


def sign_in(client: Client, email: str, password: str, **more: str):
    return client.post("/sign-in", {"email": email, "password": password, **more})


@pytest.mark.spec("SPINE-B8.3")
def test_a_person_signs_in_and_arrives_where_they_wanted_to_go(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    client = Client()
    asked = client.get(f"/t/{a.slug}/runs?state=failed")
    assert asked.headers["Location"] == f"/sign-in?next=/t/{a.slug}/runs%3Fstate%3Dfailed"
    answer = sign_in(client, a.owner.email, a.password, next=f"/t/{a.slug}/runs")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/t/{a.slug}/runs")


def test_the_way_onward_never_leaves_the_house(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    for bad in ("https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"):
        assert sign_in(Client(), a.owner.email, a.password, next=bad).headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_are_told_alike(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    known = sign_in(Client(REMOTE_ADDR="192.0.2.11"), a.owner.email, "wrong")
    unknown = sign_in(Client(REMOTE_ADDR="192.0.2.12"), "nobody@example.test", "wrong")
    assert (known.status_code, unknown.status_code) == (401, 401)
    assert "e-mail address or the password is not right" in text_of(known)
    assert text_of(known) == text_of(unknown)


def test_the_page_says_for_how_long_sign_in_is_locked(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    client = Client(REMOTE_ADDR="192.0.2.13")
    answers = [sign_in(client, a.owner.email, "wrong") for _ in range(6)]
    assert answers[-1].status_code == 429
    assert "Try again in 5 minutes" in text_of(answers[-1])
    assert int(answers[-1].headers["Retry-After"]) > 240


def test_somebody_of_one_tenant_goes_straight_there_and_may_still_choose(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    client = reader_of(a).client
    assert client.get("/").headers["Location"] == f"/t/{a.slug}/"
    assert "Tenant A" in text_of(client.get("/?choose=1"))


def test_somebody_without_a_tenant_is_told_what_to_do(two_tenants: Tenants) -> None:
    client = Client()
    client.force_login(make_person())
    assert "Ask an owner for an invitation" in text_of(client.get("/"))


@pytest.mark.spec("SPINE-B3.7")
def test_signing_out_ends_the_session(two_tenants: Tenants) -> None:
    a, _ = two_tenants
    client = reader_of(a).client
    client.post("/sign-out")
    assert client.get(f"/t/{a.slug}/").status_code == 302


def test_an_invited_person_makes_an_account_and_is_in(two_tenants: Tenants) -> None:
    a, b = two_tenants
    with scope(a.id, a.actor):
        row = invitation_create(email="ida@example.test", role="editor", actor=a.actor)
        path = "/" + invitation_link(tenant_id=a.id, invitation_id=row.id).split("/", 3)[3]
    client = Client()
    assert "Join Tenant A" in text_of(client.get(path))
    short = client.post(path, {"name": "Ida", "password": "short"})
    assert (short.status_code, "12 characters" in text_of(short)) == (422, True)
    answer = client.post(path, {"name": "Ida", "password": "a long enough sentence"})
    assert answer.headers["Location"] == f"/t/{a.slug}/"
    assert client.get(f"/t/{a.slug}/").status_code == 200
    assert client.get(f"/t/{b.slug}/").status_code == 404
    assert client.get(path).status_code == 404


def test_an_invitation_is_for_its_own_address(two_tenants: Tenants) -> None:
    a, b = two_tenants
    with scope(a.id, a.actor):
        row = invitation_create(email="eva@example.test", role="viewer", actor=a.actor)
        path = "/" + invitation_link(tenant_id=a.id, invitation_id=row.id).split("/", 3)[3]
    client = reader_of(b).client
    assert "Sign out, then open the link again" in text_of(client.get(path))
    assert client.post(path).status_code == 403
