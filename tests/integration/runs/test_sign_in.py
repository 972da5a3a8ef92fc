"""`auth.modular` in the hosted product: sessions by cookie on a tenant's own host, and signing in with a service."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.tenants.operations.secrets import secret_set
from tests.integration.runs.documents import HEAD
from tests.support.oidc_provider import oidc_provider
from tests.support.serving import deployed, request, serving

pytestmark = pytest.mark.spec("auth.modular", "CAT-B1")

DOCUMENT = (
    HEAD
    + """\
  - name: auth
    type: auth.modular
    config:
      jwt: {secret: "${JWT_SECRET}"}
      oauth2: {providers: {there: %s}}
  - {name: signed-in, type: http.middleware.auth}
  - {name: desk, type: http.handler, config: {body: {welcome: true}}}
workflows:
  http:
    routes:
      - {method: POST, path: /auth/register, handler: auth}
      - {method: POST, path: /auth/logout, handler: auth}
      - {method: GET, path: "/auth/oauth2/{provider}", handler: auth}
      - {method: GET, path: "/auth/oauth2/{provider}/callback", handler: auth}
      - {method: GET, path: /desk, handler: desk, middlewares: [signed-in]}
"""
)
ANN = {"email": "ann@shop.example", "password": "Passw0rdOk", "name": "Ann"}


@pytest.fixture(scope="module")
def provider():
    with oidc_provider() as running:
        running.know("u-1", email="ann@shop.example", email_verified=True, name="Ann")
        yield running


@pytest.fixture
async def live(database, two_tenants, provider):
    """The document is live for both tenants."""
    for number, tenant in enumerate(two_tenants):
        await in_thread(lambda tenant=tenant, number=number: secrets_of(tenant, number))
        there = provider.settings(f"https://{tenant.slug}.localhost/door/auth/oauth2/there/callback")
        await deployed(tenant, "door", DOCUMENT % json.dumps(there))


@pytest.fixture
async def ingress(live, provider, settings):
    """A door whose deployment lets tenants reach the provider."""
    settings.OUTBOUND_ALLOW = [provider.address]
    async with serving() as opened:
        yield opened


def secrets_of(tenant, number):
    with scope(tenant.id, tenant.actor):
        for name in ("JWT_SECRET", "OAUTH_SECRET"):
            secret_set(environment="prod", name=name, value=f"{name}-{number}", actor=tenant.actor)


def at(tenant, cookie=None):
    """The headers of a request to a tenant's own host."""
    return {"host": f"{tenant.slug}.localhost", **({} if cookie is None else {"cookie": cookie})}


def cookies(reply):
    return [each.partition(";")[0] for each in reply.said("set-cookie")]


async def test_a_session_lives_in_a_cookie_on_the_tenant_s_own_host_and_nowhere_else(ingress, two_tenants):
    first, second = two_tenants
    made = await request(ingress, "POST", "/door/auth/register", ANN, headers=at(first))
    (cookie,) = cookies(made)
    assert made.status == 201
    assert "HttpOnly" in made.headers["set-cookie"]
    desk = await request(ingress, "GET", "/door/desk", headers=at(first, cookie))
    assert (desk.status, desk.json()) == (200, {"welcome": True})
    assert (await request(ingress, "GET", "/door/desk", headers=at(first))).status == 401
    assert (await request(ingress, "GET", "/door/desk", headers=at(second, cookie))).status == 401
    below = await request(ingress, "GET", f"/w/{first.slug}/door/desk", headers={"cookie": cookie})
    assert below.status == 401
    out = await request(ingress, "POST", "/door/auth/logout", {}, headers=at(first, cookie))
    assert (out.status, "Max-Age=0" in out.headers["set-cookie"]) == (204, True)
    assert (await request(ingress, "GET", "/door/desk", headers=at(first, cookie))).status == 401


async def test_below_the_portal_s_origin_no_cookie_goes_out_and_the_token_serves(ingress, two_tenants):
    for tenant in two_tenants:
        base = f"/w/{tenant.slug}/door"
        made = await request(ingress, "POST", f"{base}/auth/register", ANN)
        assert (made.status, made.said("set-cookie")) == (201, [])
        token = {"authorization": f"Bearer {made.json()['token']}"}
        assert (await request(ingress, "GET", f"{base}/desk", headers=token)).status == 200


@pytest.mark.proven("auth.modular", "oidc-provider-mock")
async def test_each_tenant_s_visitors_sign_in_with_a_service_and_with_nobody_else_s_beginning(
    ingress, two_tenants, provider
):
    begun = []
    for tenant in two_tenants:
        start = await request(ingress, "GET", "/door/auth/oauth2/there", headers=at(tenant))
        assert start.status == 302
        address = await asyncio.to_thread(provider.sign_in, start.headers["location"], "u-1")
        begun.append((urlsplit(address), cookies(start)[0]))
    (_, mine), (theirs, _) = begun
    swapped = f"/door/auth/oauth2/there/callback?{theirs.query}"
    refused = await request(ingress, "GET", swapped, headers=at(two_tenants[0], mine))
    assert (refused.status, refused.json()["code"]) == (401, "auth.oauth2_state")
    for tenant, (back, cookie) in zip(two_tenants, begun, strict=True):
        assert back.netloc == f"{tenant.slug}.localhost"
        answer = await request(ingress, "GET", f"{back.path}?{back.query}", headers=at(tenant, cookie))
        assert answer.status == 201, answer.body
        assert answer.json()["user"]["email"] == "ann@shop.example"
        session = next(each for each in cookies(answer) if each.startswith("session_id="))
        assert (await request(ingress, "GET", "/door/desk", headers=at(tenant, session))).status == 200
        again = await request(ingress, "GET", f"{back.path}?{back.query}", headers=at(tenant, cookie))
        assert (again.status, again.json()["code"]) == (401, "auth.oauth2_state")


async def test_below_the_portal_s_origin_nobody_comes_back_from_a_service(ingress, two_tenants):
    base = f"/w/{two_tenants[0].slug}/door/auth/oauth2/there"
    start = await request(ingress, "GET", base)
    assert (start.status, start.said("set-cookie")) == (302, [])
    (state,) = parse_qs(urlsplit(start.headers["location"]).query)["state"]
    back = await request(ingress, "GET", f"{base}/callback?state={state}&code=c")
    assert (back.status, back.json()["code"]) == (401, "auth.oauth2_state")


@pytest.mark.spec("CAT-B1", "D29")
async def test_a_service_on_a_private_address_is_not_asked_without_the_deployment_s_leave(
    live, two_tenants, provider, settings
):
    settings.OUTBOUND_ALLOW = []
    async with serving() as closed:
        for tenant in two_tenants:
            start = await request(closed, "GET", "/door/auth/oauth2/there", headers=at(tenant))
            back = urlsplit(await asyncio.to_thread(provider.sign_in, start.headers["location"], "u-1"))
            headers = at(tenant, cookies(start)[0])
            refused = await request(closed, "GET", f"{back.path}?{back.query}", headers=headers)
            assert refused.json()["code"] == "http.forbidden_target"
