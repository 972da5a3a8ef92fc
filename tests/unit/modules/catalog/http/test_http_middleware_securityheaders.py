import pytest

from apps.engine.http import Request, Response
from apps.engine.testing import Bench
from apps.modules.catalog.http.http_middleware_securityheaders import HttpMiddlewareSecurityheaders
from tests.support.documents import findings_real, refusing
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.middleware.securityheaders")


def headers_of(config, unit, own=()):
    response = Response(headers=list(own))
    make(HttpMiddlewareSecurityheaders, config).after(Request("GET", "/"), response, unit.context())
    return dict(response.headers)


def test_six_headers_are_on_every_answer(unit):
    found = headers_of({}, unit)
    assert found[b"x-frame-options"] == b"DENY"
    assert found[b"x-content-type-options"] == b"nosniff"
    assert found[b"referrer-policy"] == b"strict-origin-when-cross-origin"
    assert found[b"permissions-policy"] == b"camera=(), microphone=(), geolocation=()"
    assert found[b"strict-transport-security"] == b"max-age=31536000; includeSubDomains"
    assert b"script-src 'self'" in found[b"content-security-policy"]


@pytest.mark.spec("D9")
def test_zero_or_an_empty_text_leaves_a_header_out(unit):
    found = headers_of({"hstsMaxAge": 0.0, "frameOptions": ""}, unit)
    assert b"strict-transport-security" not in found
    assert b"x-frame-options" not in found


def test_a_header_of_the_handlers_own_is_left_alone(unit):
    assert headers_of({}, unit, [(b"x-frame-options", b"SAMEORIGIN")])[b"x-frame-options"] == b"SAMEORIGIN"


@pytest.mark.shows("http.middleware.securityheaders", "failure")
async def test_a_refusal_is_guarded_as_every_other_answer():
    async with Bench(refusing("http.middleware.securityheaders")) as found:
        answer = await found.request("POST", "/orders", body={})
        assert (answer.status, answer.headers["x-frame-options"]) == (422, "DENY")
        assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.shows("http.middleware.securityheaders", "failure")
def test_a_value_that_would_break_the_line_is_told_at_its_place():
    text = 'modules:\n- {name: h, type: http.middleware.securityheaders, config: {frameOptions: "A\\r\\nX-Evil: 1"}}\n'
    assert [found[:3] for found in findings_real(text)] == [("config.invalid", "modules[0].config.frameOptions", 2)]
