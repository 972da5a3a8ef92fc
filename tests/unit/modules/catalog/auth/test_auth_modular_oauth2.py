"""Signing in with another service: a provider of its own process, and one that says what a test wants."""

import asyncio
import base64
import hashlib
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import jwt
import orjson
import pytest
from pydantic import ValidationError

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.http import Request
from apps.engine.local.outside import OutboundHttp, SystemClock
from apps.engine.testing import Bench
from apps.modules.catalog.auth.auth_modular import AuthModular
from apps.modules.queries import registry
from tests.support.oidc_provider import oidc_provider
from tests.support.upstream import Said, upstream
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("auth.modular")

SECRET = "s" * 40
DOCUMENT = """
modules:
  - {{name: server, type: http.server, config: {{address: ":8080"}}}}
  - {{name: router, type: http.router}}
  - {{name: auth, type: auth.modular, config: {{jwt: {{secret: abc}}, oauth2: {{providers: {{there: {settings}}}}}}}}}
workflows:
  http:
    routes:
      - {{method: GET, path: "/auth/oauth2/{{provider}}", handler: auth}}
      - {{method: GET, path: "/auth/oauth2/{{provider}}/callback", handler: auth}}
"""
BACK = "https://shop.example/auth/oauth2/there/callback"


@pytest.fixture(scope="module")
def provider():
    with oidc_provider() as running:
        running.know("u-1", email="ann@shop.example", email_verified=True, name="Ann")
        yield running


@pytest.fixture
def partner():
    with upstream() as opened:
        yield opened


@pytest.fixture
async def outside(unit):
    """A unit whose way out is real, and who knows the client's secret."""
    unit.http = OutboundHttp()
    unit.secrets.values["OAUTH_SECRET"] = "cl1ent"
    yield unit
    await unit.http.close()


def module(settings):
    return make(AuthModular, {"jwt": {"secret": SECRET}, "oauth2": {"providers": {"there": settings}}}, "auth")


def scripted(partner, **more):
    """A provider that is a script."""
    return {
        "clientId": "shop",
        "clientSecret": "${OAUTH_SECRET}",
        "redirectURL": BACK,
        "authURL": f"{partner.url}/authorize?tenant=7",
        "tokenURL": f"{partner.url}/token",
        "userInfoURL": f"{partner.url}/me",
        **more,
    }


async def ask(unit, found, path, **headers):
    plain, _, query = path.partition("?")
    request = Request("GET", f"/auth/{plain}", query_string=query.encode(), headers=headers, id="r-1")
    response = await found.handle(request, unit.context())
    return response, dict(response.headers)


async def begun(unit, found):
    """Begin; return where to, what was asked for, and the browser's cookie."""
    response, headers = await ask(unit, found, "oauth2/there")
    assert (response.status, headers[b"cache-control"]) == (302, b"no-store")
    address = headers[b"location"].decode()
    cookie, *rest = headers[b"set-cookie"].decode().split("; ")
    assert rest == ["Path=/", "Max-Age=600", "SameSite=Lax", "HttpOnly", "Secure"]
    asked = {key: value for key, (value,) in parse_qs(urlsplit(address).query).items()}
    return address, asked, cookie


def codes(response):
    return response.status, orjson.loads(response.body).get("code")


def told(partner, nonce, *, audience="shop", ends=4_000_000_000, subject="u-1", **about):
    """Let the scripted provider answer with an ID token and somebody."""
    claims = {"aud": audience, "exp": ends, "nonce": nonce, "sub": subject}
    token = jwt.encode(claims, "k" * 32)
    partner.say("POST /token", Said(200, {"access_token": "at", "id_token": token}))
    partner.say("GET /me", Said(200, {"sub": "u-1", "email": "Ann@shop.example", "name": "Ann", **about}))


@pytest.mark.proven("auth.modular", "oidc-provider-mock")
async def test_somebody_signs_in_and_is_the_same_user_the_next_time(outside, provider):
    outside.clock = SystemClock()
    found = module(provider.settings(BACK))
    users = []
    for status in (201, 200):
        address, _, cookie = await begun(outside, found)
        back = urlsplit(await asyncio.to_thread(provider.sign_in, address, "u-1"))
        assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
        response, _ = await ask(outside, found, f"oauth2/there/callback?{back.query}", cookie=cookie)
        answer = orjson.loads(response.body)
        assert (response.status, answer["user"]["email"], answer["user"]["name"]) == (status, "ann@shop.example", "Ann")
        cookies = [value.decode().split("=")[0] for name, value in response.headers if name == b"set-cookie"]
        assert cookies == ["session_id", "session_id_oauth2"]
        assert (await found.authenticate(answer["token"], outside.context()))["email"] == "ann@shop.example"
        users.append(answer["user"]["id"])
        again, _ = await ask(outside, found, f"oauth2/there/callback?{back.query}", cookie=cookie)
        assert codes(again) == (401, "auth.oauth2_state")
    assert users[0] == users[1]


@pytest.mark.proven("auth.modular", "oidc-provider-mock")
async def test_somebody_who_says_no_there_is_told_so_here(outside, provider):
    outside.clock = SystemClock()
    found = module(provider.settings(BACK))
    address, asked, cookie = await begun(outside, found)
    back = urlsplit(await asyncio.to_thread(provider.sign_in, address, "u-1", "deny")).query
    response, _ = await ask(outside, found, f"oauth2/there/callback?{back}&state={asked['state']}", cookie=cookie)
    assert codes(response) == (401, "auth.oauth2_failed")
    assert "access_denied" in orjson.loads(response.body)["error"]


async def test_the_code_is_exchanged_with_the_secret_and_the_verifier_of_what_was_begun(outside, partner):
    found = module(scripted(partner))
    address, asked, cookie = await begun(outside, found)
    assert address.startswith(f"{partner.url}/authorize?tenant=7&")
    assert (asked["client_id"], asked["redirect_uri"], asked["response_type"]) == ("shop", BACK, "code")
    assert (asked["scope"], asked["code_challenge_method"]) == ("openid email profile", "S256")
    told(partner, asked["nonce"])
    response, _ = await ask(outside, found, f"oauth2/there/callback?state={asked['state']}&code=c-1", cookie=cookie)
    assert response.status == 201
    exchange, who = partner.calls
    sent = {key: value for key, (value,) in parse_qs(exchange.body.decode()).items()}
    digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
    assert (sent["code"], sent["redirect_uri"], sent["grant_type"]) == ("c-1", BACK, "authorization_code")
    assert base64.b64decode(exchange.headers["authorization"].removeprefix("Basic ")) == b"shop:cl1ent"
    assert "cl1ent" not in exchange.body.decode() + str(asked)
    assert who.headers["authorization"] == "Bearer at"


@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": "other"},
        {"audience": ["shop", "other"]},
        {"ends": 5},
        {"subject": "somebody-else"},
        {"nonce": "another"},
    ],
)
async def test_an_id_token_for_somebody_or_something_else_proves_nothing(outside, partner, wrong):
    found = module(scripted(partner))
    _, asked, cookie = await begun(outside, found)
    told(partner, wrong.pop("nonce", asked["nonce"]), **wrong)
    response, _ = await ask(outside, found, f"oauth2/there/callback?state={asked['state']}&code=c", cookie=cookie)
    assert (codes(response), response.is_refusal) == ((401, "auth.oauth2_failed"), False)


@pytest.mark.parametrize(
    ("token", "me", "status", "code"),
    [
        (Said(400, {"error": "invalid_grant"}), Said(200, {}), 401, "auth.oauth2_failed"),
        (Said(200, b"<html>"), Said(200, {}), 401, "auth.oauth2_failed"),
        (Said(200, {}), Said(200, {}), 401, "auth.oauth2_failed"),
        (Said(200, {"access_token": "a b"}), Said(200, {}), 401, "auth.oauth2_failed"),
        (Said(503), Said(200, {}), 502, "auth.oauth2_unavailable"),
        (Said(200, {"access_token": "at"}), Said(401), 401, "auth.oauth2_failed"),
        (Said(200, {"access_token": "at"}), Said(200, {"id": 7}), 401, "auth.oauth2_failed"),
        (
            Said(200, {"access_token": "at"}),
            Said(200, {"id": 7, "email": "a@b.example", "email_verified": False}),
            401,
            "auth.oauth2_email",
        ),
        (Said(200, {"access_token": "at"}), Said(200, {"id": 7, "email": "a@b.example"}), 201, None),
    ],
)
async def test_what_a_service_says_is_judged(outside, partner, token, me, status, code):
    found = module(scripted(partner, scopes=["user"]))
    _, asked, cookie = await begun(outside, found)
    assert "nonce" not in asked
    partner.say("POST /token", token)
    partner.say("GET /me", me)
    response, _ = await ask(outside, found, f"oauth2/there/callback?state={asked['state']}&code=c", cookie=cookie)
    assert codes(response) == (status, code)


async def test_only_the_browser_that_began_comes_back(outside, partner):
    found = module(scripted(partner))
    for headers in ({}, {"cookie": "session_id_oauth2=other"}, {"cookie": "nonsense;;="}):
        _, asked, _ = await begun(outside, found)
        response, _ = await ask(outside, found, f"oauth2/there/callback?state={asked['state']}&code=c", **headers)
        assert codes(response) == (401, "auth.oauth2_state")
    assert partner.calls == []


async def test_who_takes_longer_than_ten_minutes_begins_anew():
    text = DOCUMENT.format(settings=orjson.dumps(scripted(SimpleNamespace(url="https://there.example"))).decode())
    application = compile_document(load(text).document, registry())
    async with Bench(application, secrets={"OAUTH_SECRET": "cl1ent"}) as bench:
        for seconds, code in ((599, "auth.oauth2_failed"), (601, "auth.oauth2_state")):
            begun = await bench.request("GET", "/auth/oauth2/there")
            asked = {key: value for key, (value,) in parse_qs(urlsplit(begun.headers["location"]).query).items()}
            bench.clock.advance(seconds)
            cookie = {"cookie": begun.headers["set-cookie"].partition(";")[0]}
            path = f"/auth/oauth2/there/callback?state={asked['state']}&code=c"
            answer = await bench.request("GET", path, headers=cookie)
            assert (answer.status, answer.json()["code"]) == (401, code)


async def test_a_service_never_opens_an_account_that_has_a_password(outside, partner):
    found = module(scripted(partner))
    body = orjson.dumps({"email": "ann@shop.example", "password": "Passw0rdOk"})
    signed_up = await found.handle(Request("POST", "/auth/register", body=body), outside.context())
    assert signed_up.status == 201
    _, asked, cookie = await begun(outside, found)
    told(partner, asked["nonce"], email_verified=True)
    response, _ = await ask(outside, found, f"oauth2/there/callback?state={asked['state']}&code=c", cookie=cookie)
    assert codes(response) == (409, "auth.email_taken")


async def test_an_unknown_service_is_not_there_and_too_many_beginnings_wait(outside, partner):
    found = module(scripted(partner))
    response, _ = await ask(outside, found, "oauth2/elsewhere")
    assert codes(response) == (404, "auth.unknown_provider")
    for _ in range(200):
        await begun(outside, found)
    response, headers = await ask(outside, found, "oauth2/there")
    assert (codes(response), headers[b"retry-after"]) == ((429, "auth.too_many"), b"1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"authURL": "http://login.example/authorize"},
        {"tokenURL": "ftp://127.0.0.1/token"},
        {"clientId": ""},
        {"else": 1},
        {"redirectURL": "nonsense"},
    ],
)
def test_a_provider_that_cannot_be_used_safely_is_refused_when_the_document_is_read(partner, wrong):
    with pytest.raises(ValidationError):
        module(scripted(partner, **wrong))
