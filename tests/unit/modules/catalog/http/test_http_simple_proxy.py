"""The simple proxy against a real server."""

import orjson
import pytest
from pydantic import ValidationError

from apps.engine.http import Request
from apps.engine.local.outside import OutboundHttp
from apps.engine.outcome import Rejected, StepFailed
from apps.engine.streams import collected
from apps.modules.catalog.http.http_simple_proxy import HttpSimpleProxy
from tests.support.upstream import Said, upstream
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("http.simple_proxy", "CAT-B1")


@pytest.fixture
def partner():
    with upstream() as opened:
        yield opened


@pytest.fixture
async def outside(unit):
    """A unit whose way out is real."""
    unit.http = OutboundHttp()
    yield unit
    await unit.http.close()


async def ask(unit, targets, method="GET", path="/api/users", **more):
    return await make(HttpSimpleProxy, {"targets": targets}).handle(Request(method, path, **more), unit.context())


async def test_the_longest_prefix_wins_and_the_path_is_kept(outside, partner):
    partner.say("POST /v1/api/users/7", Said(201, {"made": True}, (("X-Mark", "1"),)))
    response = await ask(
        outside,
        {"/api": "http://127.0.0.1:1", "/api/users": f"{partner.url}/v1/"},
        "POST",
        "/api/users/7",
        query_string=b"a=b&a=c",
        body=b'{"n":1}',
        headers={"content-type": "application/json"},
    )
    assert (response.status, orjson.loads(response.body)) == (201, {"made": True})
    assert (b"x-mark", b"1") in response.headers
    (asked,) = partner.calls
    assert (asked.path, asked.body, asked.headers["content-type"]) == (
        "/v1/api/users/7?a=b&a=c",
        b'{"n":1}',
        "application/json",
    )


async def test_a_prefix_fits_whole_segments_only(outside, partner):
    response = await ask(outside, {"/api": partner.url}, path="/apis")
    assert (response.status, response.content_type) == (502, b"text/plain; charset=utf-8")
    assert (await ask(outside, {"/": partner.url}, path="/apis")).status == 200
    assert (await ask(outside, {"/api/": partner.url}, path="/api")).status == 200


async def test_headers_of_the_connection_stay_behind_and_the_caller_is_named(outside, partner):
    partner.say("GET /a", Said(200, b"x", (("Keep-Alive", "timeout=5"), ("Upgrade", "h2c"), ("X-Kept", "1"))))
    headers = {
        "host": "shop.example",
        "connection": "close, x-private",
        "x-private": "1",
        "te": "trailers",
        "proxy-authorization": "Basic x",
        "transfer-encoding": "chunked",
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-proto": "https",
        "authorization": "Bearer theirs",
    }
    response = await ask(
        outside, {"/": partner.url}, path="/a", headers=headers, client="203.0.113.9", id="r-1", url_base="/w/a/shop"
    )
    sent = partner.calls[0].headers
    assert sent["host"] == partner.address
    assert (sent["x-forwarded-for"], sent["x-forwarded-host"]) == ("203.0.113.9", "shop.example")
    assert (sent["x-forwarded-proto"], sent["x-forwarded-prefix"]) == ("https", "/w/a/shop")
    assert (sent["x-request-id"], sent["authorization"]) == ("r-1", "Bearer theirs")
    assert {"x-private", "te", "proxy-authorization", "transfer-encoding"}.isdisjoint(sent)
    names = {name for name, _ in response.headers}
    assert names.isdisjoint({b"keep-alive", b"upgrade", b"content-length"})
    assert b"x-kept" in names


async def test_a_redirect_is_the_callers_to_follow(outside, partner):
    partner.say("GET /a", Said(302, b"", (("Location", "/b"),)))
    response = await ask(outside, {"/": partner.url}, path="/a")
    assert (response.status, len(partner.calls)) == (302, 1)
    assert (b"location", b"/b") in response.headers


async def test_cookies_come_back_one_by_one(outside, partner):
    partner.say("GET /a", Said(200, b"", (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))))
    response = await ask(outside, {"/": partner.url}, path="/a")
    assert [value for name, value in response.headers if name == b"set-cookie"] == [b"a=1", b"b=2"]


@pytest.mark.shows("http.simple_proxy", "failure")
async def test_a_backend_that_is_down_is_a_bad_gateway(outside):
    response = await ask(outside, {"/api": "http://127.0.0.1:1/base?key=k"})
    assert response.status == 502
    said = orjson.loads(response.body)
    assert (said["backend"], said["path"]) == ("http://127.0.0.1:1/base", "/api/users")
    assert said["error"]


async def test_a_large_body_goes_both_ways_whole(outside, partner):
    large = b"x" * (4 * 1024 * 1024)
    partner.say("POST /a", Said(200, large, (("X-Large", "1"),)))
    response = await ask(outside, {"/": partner.url}, "POST", "/a", body=large[: 1024 * 1024])
    assert ((await collected(response)).body, partner.calls[0].body) == (large, large[: 1024 * 1024])


async def test_an_upgrade_is_refused_with_a_reason(outside, partner):
    headers = {"connection": "Upgrade", "upgrade": "websocket"}
    with pytest.raises(Rejected) as refused:
        await ask(outside, {"/": partner.url}, headers=headers)
    assert (refused.value.status, refused.value.code, partner.calls) == (501, "proxy.upgrade", [])


@pytest.mark.parametrize("path", ["/api/../admin", "/api/./x", "/.."])
async def test_a_path_may_not_climb(outside, partner, path):
    with pytest.raises(Rejected):
        await ask(outside, {"/": partner.url}, path=path)
    assert partner.calls == []


async def test_a_secret_in_an_address_is_filled_in_and_never_shown(outside, partner):
    outside.secrets.values["WHERE"] = partner.url
    assert (await ask(outside, {"/": "${WHERE}/v1"}, path="/a")).status == 200
    assert partner.calls[0].path == "/v1/a"
    outside.secrets.values["WHERE"] = "http://127.0.0.1:1/s3cret"
    assert b"s3cret" not in (await ask(outside, {"/": "${WHERE}/v1"}, path="/a")).body
    outside.secrets.values["WHERE"] = "nonsense"
    with pytest.raises(StepFailed) as bad:
        await ask(outside, {"/": "${WHERE}"}, path="/a")
    assert bad.value.code == "http.bad_url"


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://a.example", "http://u:p@a.example", "http://a.example:0", "http://[x"]
)
def test_a_bad_address_is_refused_when_the_document_is_read(url):
    with pytest.raises(ValidationError):
        make(HttpSimpleProxy, {"targets": {"/": url}})


def test_a_prefix_that_is_no_path_is_a_problem():
    (problem,) = make(HttpSimpleProxy, {"targets": {"api": "https://a.example"}}).problems()
    assert problem[:2] == ("targets.api", "config.invalid")
