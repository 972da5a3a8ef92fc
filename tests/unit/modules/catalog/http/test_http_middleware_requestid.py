import uuid

import pytest

from apps.engine.http import Request, Response
from apps.engine.testing import Bench
from apps.modules.catalog.http.http_middleware_requestid import HttpMiddlewareRequestid
from tests.support.documents import refusing
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.middleware.requestid")


def pass_through(request, unit, config=None):
    middleware, context, response = make(HttpMiddlewareRequestid, config), unit.context(), Response()
    middleware.before(request, context)
    middleware.after(request, response, context)
    return context, dict(response.headers)


def test_the_callers_id_comes_back_and_is_known_to_the_run(unit):
    context, headers = pass_through(Request("GET", "/", headers={"x-request-id": "abc-1"}), unit)
    assert context.request_id == "abc-1"
    assert headers == {b"x-request-id": b"abc-1"}


def test_a_request_without_an_id_gets_a_new_one_every_time(unit):
    found = {pass_through(Request("GET", "/"), unit)[0].request_id for _ in range(100)}
    assert len(found) == 100
    assert all(uuid.UUID(identity).version == 4 for identity in found)


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "new\nline"])
def test_an_unusable_id_gives_way_to_the_hosts(sent, unit):
    context, _ = pass_through(Request("GET", "/", headers={"x-request-id": sent}, id="host-1"), unit)
    assert context.request_id == "host-1"


def test_another_header_may_carry_it_and_is_not_doubled(unit):
    middleware, context = make(HttpMiddlewareRequestid, {"headerName": "X-Trace"}), unit.context()
    request = Request("GET", "/", headers={"x-trace": "t1"})
    response = Response(headers=[(b"x-trace", b"already")])
    middleware.before(request, context)
    middleware.after(request, response, context)
    assert response.headers == [(b"x-trace", b"already")]


@pytest.mark.shows("http.middleware.requestid", "failure")
@pytest.mark.parametrize(("sent", "told"), [("mine-1", "mine-1"), ("not usable", None)])
async def test_a_refused_request_has_an_id_too_and_the_answer_says_which(sent, told):
    async with Bench(refusing("http.middleware.requestid", "{headerName: X-Trace}")) as found:
        answer = await found.request("POST", "/orders", body={}, headers={"x-trace": sent})
    assert (answer.status, answer.headers["x-trace"]) == (422, told or answer.headers["x-request-id"])
