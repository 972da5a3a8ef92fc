"""`httpclient.modular` against a real server, over real connections."""

import pytest

from apps.engine.local.outside import OutboundHttp
from apps.engine.outcome import StepFailed, TryAgain
from apps.modules.catalog.framework.httpclient_modular import HttpclientModular
from tests.support.upstream import Said, upstream
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("httpclient.modular"), pytest.mark.proven("httpclient.modular", "http.server")]


@pytest.fixture
def server():
    with upstream() as opened:
        yield opened


@pytest.fixture
async def ask(server, unit):
    unit.http = OutboundHttp()

    async def asked(payload, **config):
        client = make(HttpclientModular, {"baseURL": f"{server.url}/v1"} | config)
        return await client.run(payload, unit.context(request_id="r-1"))

    yield asked
    await unit.http.close()


async def test_a_request_arrives_as_it_was_meant_and_the_answer_comes_back(server, ask):
    server.say("PUT /v1/users/%C3%A4%20b", Said(201, {"name": "Grüße"}, (("X-Mark", "1"),)))
    asked = {"method": "PUT", "path": "/users/ä b", "query": {"q": "a&b=c", "n": [1, 2]}, "body": {"n": "☃"}}
    answer = await ask(asked, headers={"X-Key": "k"})
    assert (answer["status"], answer["body"], answer["headers"]["x-mark"]) == (201, {"name": "Grüße"}, "1")
    (seen,) = server.calls
    assert (seen.path, seen.json) == ("/v1/users/%C3%A4%20b?q=a%26b%3Dc&n=1&n=2", {"n": "☃"})
    assert (seen.headers["x-key"], seen.headers["x-request-id"], seen.headers["host"]) == ("k", "r-1", server.address)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_every_method_is_sent_as_it_is(server, ask, method):
    assert (await ask({"method": method, "path": "/x"}))["status"] == 200
    assert [each.method for each in server.calls] == [method]


async def test_what_fails_for_good_fails_the_step_and_what_may_pass_is_tried_again(server, ask):
    server.say("GET /v1/gone", Said(404, {"why": "gone"}))
    server.say("GET /v1/busy", Said(503, {}, (("Retry-After", "9"),)))
    with pytest.raises(StepFailed) as failure:
        await ask({"path": "/gone"})
    assert failure.value.data == {"status": 404, "body": {"why": "gone"}}
    with pytest.raises(TryAgain) as pause:
        await ask({"path": "/busy"})
    assert pause.value.after == 9.0
    with pytest.raises(TryAgain):
        await ask({"url": "http://127.0.0.1:1/"})
    assert (await ask({"path": "/gone"}, acceptAnyStatus=True))["status"] == 404
