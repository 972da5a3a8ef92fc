import pytest

from apps.engine.http import Request, Response
from apps.engine.testing import Bench
from apps.modules.catalog.http.http_middleware_cors import HttpMiddlewareCors
from tests.support.documents import findings_real, refusing
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "D15", "http.middleware.cors")


def after(config, origin, unit):
    response = Response()
    headers = {"origin": origin} if origin else {}
    make(HttpMiddlewareCors, config).after(Request("GET", "/", headers=headers), response, unit.context())
    return dict(response.headers)


def test_an_allowed_origin_is_echoed_with_methods_and_headers(unit):
    assert after({"allowedOrigins": ["https://a.example"]}, "https://a.example", unit) == {
        b"vary": b"Origin",
        b"access-control-allow-origin": b"https://a.example",
        b"access-control-allow-methods": b"GET, POST, PUT, DELETE, OPTIONS",
        b"access-control-allow-headers": b"Content-Type, Authorization",
    }


@pytest.mark.parametrize("origin", ["https://b.example", ""])
def test_another_origin_or_none_is_served_without_the_headers(origin, unit):
    assert after({"allowedOrigins": ["https://a.example"]}, origin, unit) == {b"vary": b"Origin"}


def test_the_spellings_of_the_builder_are_read(unit):
    config = {"allowOrigins": "https://a.example, https://b.example", "allowMethods": "GET,PATCH", "maxAge": "10m"}
    found = after(config, "https://b.example", unit)
    assert found[b"access-control-allow-methods"] == b"GET, PATCH"
    assert found[b"access-control-max-age"] == b"600"


def test_a_preflight_is_answered_and_every_other_request_passes(unit):
    cors = make(HttpMiddlewareCors)
    preflight = cors.before(Request("OPTIONS", "/", headers={"origin": "https://x.example"}), unit.context())
    assert preflight.status == 200
    assert (b"access-control-allow-origin", b"https://x.example") in preflight.headers
    assert cors.before(Request("GET", "/"), unit.context()) is None


def test_the_headers_are_added_once_however_often_it_is_asked(unit):
    cors = make(HttpMiddlewareCors)
    request = Request("OPTIONS", "/", headers={"origin": "https://x.example"})
    response = cors.before(request, unit.context())
    count = len(response.headers)
    cors.after(request, response, unit.context())
    assert len(response.headers) == count


@pytest.mark.shows("http.middleware.cors", "failure")
async def test_a_page_may_read_why_it_was_refused_and_another_page_may_not():
    config = "{allowedOrigins: ['https://a.example']}"
    async with Bench(refusing("http.middleware.cors", config)) as found:
        for origin, allowed in (("https://a.example", "https://a.example"), ("https://b.example", None)):
            answer = await found.request("POST", "/orders", body={}, headers={"origin": origin})
            assert (answer.status, answer.headers.get("access-control-allow-origin")) == (422, allowed)
            assert answer.json()["errors"]


@pytest.mark.shows("http.middleware.cors", "failure")
def test_a_setting_that_cannot_be_is_told_at_its_place():
    text = "modules:\n- {name: c, type: http.middleware.cors, config: {maxAge: x}}\n"
    assert [found[:3] for found in findings_real(text)] == [("config.invalid", "modules[0].config.maxAge", 2)]
