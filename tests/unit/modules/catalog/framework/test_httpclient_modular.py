import orjson
import pytest

from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import HttpReply
from apps.modules.catalog.framework.httpclient_modular import HttpclientModular
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("httpclient.modular")

BASE = "https://api.example/v1"
JSON = {"content-type": "application/json; charset=utf-8"}


async def ask(unit, payload, config=None, reply=None):
    unit.http.replies.append(reply or HttpReply(200, JSON, b'{"ok":true}'))
    client = make(HttpclientModular, {"baseURL": BASE} | (config or {}), "api")
    return await client.run(payload, unit.context(request_id="r-1"))


async def test_one_request_gives_one_answer(unit):
    answer = await ask(unit, {"method": "post", "path": "/users/7", "body": {"n": 1}, "headers": {"X-A": "1"}})
    assert answer == {"status": 200, "statusCode": 200, "headers": JSON, "body": {"ok": True}}
    (asked,) = unit.http.asked
    assert (asked["method"], asked["url"], orjson.loads(asked["body"])) == ("POST", f"{BASE}/users/7", {"n": 1})
    assert asked["headers"] == {"content-type": "application/json", "x-a": "1", "x-request-id": "r-1"}


@pytest.mark.parametrize(
    ("payload", "url"),
    [
        (None, BASE),
        ({}, BASE),
        ({"path": "a b"}, f"{BASE}/a%20b"),
        ({"path": "/x", "query": {"q": "a&b", "n": [1, 2], "no": None}}, f"{BASE}/x?q=a%26b&n=1&n=2"),
        ({"path": "/x?a=1"}, f"{BASE}/x%3Fa%3D1"),
        ({"url": "https://other.example/z?a=1", "query": {"b": 2}}, "https://other.example/z?a=1&b=2"),
    ],
)
async def test_path_query_and_address_make_the_url(unit, payload, url):
    await ask(unit, payload)
    assert (unit.http.asked[0]["method"], unit.http.asked[0]["url"].replace("%3D", "=")) == (
        "GET",
        url.replace("%3D", "="),
    )


async def test_text_goes_and_comes_as_it_is(unit):
    answer = await ask(unit, {"method": "PUT", "body": "plain"}, reply=HttpReply(200, {}, b"{}"))
    assert (unit.http.asked[0]["body"], answer["body"]) == (b"plain", "{}")
    assert "content-type" not in unit.http.asked[0]["headers"]
    broken = await ask(unit, {}, reply=HttpReply(200, JSON, b"{"))
    assert broken["body"] == "{"


async def test_settings_may_hold_secrets_and_the_step_wins_over_them(unit):
    unit.secrets.values |= {"KEY": "k3y"}
    await ask(unit, {"headers": {"X-Key": "own"}}, {"headers": {"Authorization": "Bearer ${KEY}", "X-Key": "c"}})
    headers = unit.http.asked[0]["headers"]
    assert (headers["authorization"], headers["x-key"]) == ("Bearer k3y", "own")


@pytest.mark.parametrize(("asked", "given"), [(None, 12.0), ("3s", 3.0), (60, 12.0)])
async def test_a_step_may_ask_for_less_time_and_never_more(unit, asked, given):
    await ask(unit, {"timeout": asked} if asked else {}, {"timeout": 12})
    assert unit.http.asked[0]["timeout"] == given


@pytest.mark.shows("httpclient.modular", "failure")
async def test_a_refusal_fails_the_step_unless_any_status_will_do(unit):
    with pytest.raises(StepFailed) as failure:
        await ask(unit, {}, reply=HttpReply(404, JSON, b'{"why":"gone"}'))
    assert (failure.value.code, failure.value.data) == ("httpclient.refused", {"status": 404, "body": {"why": "gone"}})
    with pytest.raises(TryAgain):
        await ask(unit, {}, reply=HttpReply(503, JSON, b"{}"))
    assert (await ask(unit, {"acceptAnyStatus": True}, reply=HttpReply(404, JSON, b"{}")))["status"] == 404
    assert (await ask(unit, {}, {"acceptAnyStatus": True}, HttpReply(503, JSON, b"{}")))["status"] == 503


@pytest.mark.parametrize("payload", [{"method": "TRACE"}, {"rubbish": 1}, {"timeout": "soon"}, 5])
async def test_a_request_that_is_none_is_refused_with_its_place(unit, payload):
    with pytest.raises(Rejected) as refused:
        await ask(unit, payload)
    assert (refused.value.status, refused.value.code) == (422, "httpclient.bad_request")
    assert refused.value.errors


async def test_a_header_may_not_break_the_line(unit):
    with pytest.raises(Rejected):
        await ask(unit, {"headers": {"X-A": "a\r\nB: c"}})


def test_nothing_is_repeated_unless_that_is_asked_for():
    assert make(HttpclientModular).retry.attempts == 1
    assert make(HttpclientModular, {"max_retries": 2}).retry.attempts == 3


@pytest.mark.spec("D9")
@pytest.mark.parametrize("value", [5, 5.0, "5", "5s"])
def test_the_time_may_be_written_in_any_way(value):
    assert make(HttpclientModular, {"request_timeout": value}).config.request_timeout == 5.0
