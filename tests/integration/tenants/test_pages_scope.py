"""The tenant in the address of a page: who gets in, and where everybody else is sent."""

import pytest
from django.test import Client

from tests.support.tenants import PASSWORD, TenantFixture, make_person

pytestmark = pytest.mark.spec("SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]


@pytest.mark.spec("SPINE-B3.7")
def test_nobody_is_sent_to_sign_in_and_back(two_tenants: Two) -> None:
    a, _ = two_tenants
    answer = Client().get(f"/t/{a.slug}/settings?x=1")
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in?next=/t/{a.slug}/settings%3Fx%3D1")


@pytest.mark.spec("SPINE-B3.7")
def test_signing_in_and_out_with_the_form(two_tenants: Two) -> None:
    a, b = two_tenants
    client = Client()
    form = {"email": a.owner.email, "password": PASSWORD, "next": f"/t/{a.slug}/settings"}
    assert client.post("/sign-in", form)["Location"] == f"/t/{a.slug}/settings"
    assert client.get(f"/t/{a.slug}/settings").status_code == 200
    assert client.get(f"/t/{b.slug}/settings").status_code == 404
    client.post("/sign-out")
    assert client.get(f"/t/{a.slug}/settings").status_code == 302


def test_somebody_who_belongs_nowhere_gets_the_page_of_what_does_not_exist(two_tenants: Two) -> None:
    a, _ = two_tenants
    client = Client()
    client.force_login(make_person())
    refused, missing = client.get(f"/t/{a.slug}/settings"), client.get("/t/no-such-tenant/settings")
    assert (refused.status_code, missing.status_code) == (404, 404)
    assert a.slug not in refused.content.decode()


@pytest.mark.spec("SPINE-B3.10")
def test_a_viewer_sees_a_page_and_may_not_post_it(two_tenants: Two) -> None:
    a, _ = two_tenants
    client = Client()
    client.force_login(a.person("viewer"))
    assert client.get(f"/t/{a.slug}/settings").status_code == 200
    assert client.post(f"/t/{a.slug}/settings", {"deed": "invite"}).status_code == 403
