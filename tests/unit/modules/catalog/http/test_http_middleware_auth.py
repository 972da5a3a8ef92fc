import pytest

from apps.engine.http import Request
from apps.modules.catalog.auth.auth_jwt import AuthJwt
from apps.modules.catalog.http.http_middleware_auth import HttpMiddlewareAuth
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.middleware.auth")


class Provider(AuthJwt):
    """Knows one token."""

    async def authenticate(self, token, context):
        return {"sub": "u1"} if token == "good" else None


def guard(config=None, providers=1):
    neighbours = [make(Provider, {"secret": "s"}, f"p{number}") for number in range(providers)]
    return make(HttpMiddlewareAuth, config, "auth", modules=neighbours)


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, "missing"),
        ({"authorization": "Basic good"}, "Bearer <token>"),
        ({"authorization": "bearer good"}, "Bearer <token>"),
        ({"authorization": "Bearer"}, "Bearer <token>"),
        ({"authorization": "Bearer bad"}, "not valid"),
        ({"authorization": "Bearer  good"}, "not valid"),
    ],
)
@pytest.mark.shows("http.middleware.auth", "failure")
async def test_three_kinds_of_refusal_are_plain_text_401(headers, word, unit):
    response = await guard().before(Request("GET", "/", headers=headers), unit.context())
    assert response.status == 401
    assert response.content_type.startswith(b"text/plain")
    assert word in response.body.decode()
    assert (b"www-authenticate", b"Bearer") in response.headers


async def test_a_known_token_lets_the_request_pass_with_its_claims(unit):
    request = Request("GET", "/", headers={"authorization": "Bearer good"})
    assert await guard(providers=2).before(request, unit.context()) is None
    assert request.claims == {"sub": "u1"}


async def test_another_scheme_may_be_asked_for(unit):
    request = Request("GET", "/", headers={"authorization": "Token good"})
    assert await guard({"authType": "Token"}).before(request, unit.context()) is None


async def test_without_a_provider_everything_is_refused(unit):
    request = Request("GET", "/", headers={"authorization": "Bearer good"})
    response = await guard(providers=0).before(request, unit.context())
    assert response.status == 401
