import re
from uuid import UUID

import pytest
from pydantic import ValidationError

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.module import Effect
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import HttpReply
from apps.engine.testing import Bench
from apps.modules.catalog.storage.storage_s3 import StorageS3
from apps.modules.queries import registry
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("storage.s3", "D12"), pytest.mark.spec("CAT-B1")]

STEP = UUID("018f0000-0000-5000-8000-000000000002")
PLACE = {"bucket": "shop", "endpoint": "http://store.example:9000", "accessKeyId": "AK", "secretAccessKey": "s"}
MISSING = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>it is &quot;not&quot; there</Message></Error>"


def failing(status, code=b"", **headers):
    return HttpReply(status, headers, MISSING % code if code else b"")


async def ask(unit, payload, reply=None, **config):
    unit.http.replies.append(reply or HttpReply(200, {"etag": '"e1"'}, b""))
    return await make(StorageS3, PLACE | config, "store").run(payload, unit.context())


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ("Grüße", "Grüße".encode(), "text/plain; charset=utf-8"),
        ({"n": 1}, b'{"n":1}', "application/json"),
        (None, b"null", "application/json"),
    ],
)
@pytest.mark.parametrize("key", ["body", "content"])
async def test_a_put_stores_text_as_text_and_anything_else_as_json(unit, body, sent, content_type, key):
    answer = await ask(unit, {"action": "put", "key": "a/b c", key: body})
    (asked,) = unit.http.asked
    assert answer == {"key": "a/b c", "size": len(sent), "etag": "e1"}
    assert (asked["method"], asked["url"]) == ("PUT", "http://store.example:9000/shop/a/b%20c")
    assert (asked["body"], asked["headers"]["content-type"], asked["redirects"]) == (sent, content_type, False)


async def test_bytes_are_put_as_base64_and_come_back_so(unit):
    await ask(unit, {"action": "put", "key": "k", "body": "/wA=", "encoding": "base64", "contentType": "image/png"})
    assert (unit.http.asked[0]["body"], unit.http.asked[0]["headers"]["content-type"]) == (b"\xff\x00", "image/png")
    found = await ask(unit, {"action": "get", "key": "k"}, HttpReply(200, {"content-type": "image/png"}, b"\xff\x00"))
    assert found == {
        "key": "k",
        "body": "/wA=",
        "encoding": "base64",
        "contentType": "image/png",
        "size": 2,
        "etag": "",
    }


@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        (b'{"n":1}', "application/json", {"n": 1}),
        (b"[]", "application/vnd.shop+json; charset=utf-8", []),
        (b"no json", "application/json", "no json"),
        (b"{}", "text/plain", "{}"),
    ],
)
async def test_a_get_returns_json_by_its_type_and_else_text(unit, content, content_type, body):
    reply = HttpReply(200, {"content-type": content_type}, content)
    assert (await ask(unit, {"action": "get", "key": "k"}, reply))["body"] == body


async def test_what_is_not_there_is_null_and_may_be_deleted(unit):
    assert await ask(unit, {"action": "get", "key": "k"}, failing(404, b"NoSuchKey")) is None
    gone = {"key": "k", "deleted": True}
    assert await ask(unit, {"action": "delete", "key": "k"}, failing(404, b"NoSuchKey")) == gone
    assert await ask(unit, {"action": "delete", "key": "k"}, HttpReply(204, {}, b"")) == gone


@pytest.mark.shows("storage.s3", "failure")
async def test_a_refusal_fails_the_step_with_the_word_of_the_service(unit):
    for action in ("get", "delete"):
        with pytest.raises(StepFailed) as failure:
            await ask(unit, {"action": action, "key": "k"}, failing(404, b"NoSuchBucket"))
        assert (failure.value.code, failure.value.data["code"]) == ("s3.refused", "NoSuchBucket")
        assert failure.value.data["message"] == 'it is "not" there'
        assert failure.value.message == "store: the object store answered 404 (NoSuchBucket)."
    with pytest.raises(StepFailed):
        await ask(unit, {"action": "get", "key": "k"}, HttpReply(307, {"location": "http://elsewhere.example"}, b""))


@pytest.mark.shows("storage.s3", "failure")
async def test_what_is_refused_for_now_or_not_answered_is_tried_again(unit):
    with pytest.raises(TryAgain) as pause:
        await ask(unit, {"action": "put", "key": "k", "body": ""}, failing(503, b"SlowDown", **{"retry-after": "7"}))
    assert (pause.value.after, pause.value.code) == (7.0, "s3.not_now")
    with pytest.raises(TryAgain):
        await ask(unit, {"action": "get", "key": "k"}, failing(429))
    with pytest.raises(TryAgain):
        await ask(unit, {"action": "get", "key": "k"}, TryAgain("nobody answers"))


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({"key": "k"}, "/action"),
        ({"action": "move", "key": "k"}, "/action"),
        ({"action": "get"}, ""),
        ({"action": "put", "key": "k"}, ""),
        ({"action": "get", "key": "a/../b"}, ""),
        ({"action": "get", "key": "ü" * 600}, ""),
        ({"action": "get", "key": "\ud800"}, ""),
        ({"action": "get", "key": "k", "bucket": "other"}, "/bucket"),
        ({"action": "put", "key": "k", "body": "", "contentType": "a\nb"}, "/contentType"),
        ({"action": "put", "key": "k", "body": "%", "encoding": "base64"}, "/body"),
        ({"action": "list", "limit": 1001}, "/limit"),
        ("put", ""),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_place(unit, payload, pointer):
    with pytest.raises(Rejected) as refusal:
        await ask(unit, payload)
    assert (refusal.value.code, refusal.value.errors[0]["pointer"]) == ("s3.invalid", pointer)
    assert unit.http.asked == []


@pytest.mark.parametrize("body", [b"", b"{}", b"<a/", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
async def test_a_list_that_is_none_fails_the_step(unit, body):
    reply = HttpReply(200, {}, body)
    with pytest.raises(StepFailed) as failure:
        await ask(unit, {"action": "list"}, reply)
    assert failure.value.code == "s3.bad_answer"


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({"endpoint": "", "region": "eu-west-1"}, "https://shop.s3.eu-west-1.amazonaws.com/k"),
        ({"endpoint": "", "region": ""}, "https://shop.s3.us-east-1.amazonaws.com/k"),
        ({"endpoint": "", "region": "cn-north-1"}, "https://shop.s3.cn-north-1.amazonaws.com.cn/k"),
        ({"endpoint": "", "bucket": "shop.eu"}, "https://s3.us-east-1.amazonaws.com/shop.eu/k"),
        ({"endpoint": "https://store.example/s3/"}, "https://store.example/s3/shop/k"),
        ({"bucket": "${BUCKET}", "endpoint": "${STORE}"}, "http://[::1]:9000/mine/k"),
    ],
)
async def test_the_bucket_is_in_the_path_of_an_endpoint_and_in_the_name_of_amazons_host(unit, config, url):
    unit.secrets.values |= {"BUCKET": "mine", "STORE": "http://[::1]:9000"}
    await ask(unit, {"action": "get", "key": "k"}, **config)
    assert unit.http.asked[0]["url"] == url


async def test_keys_are_secrets_by_amazons_names_unless_said_otherwise(unit):
    unit.secrets.values |= {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "x"}
    unit.http.replies.append(HttpReply(200, {}, b""))
    await make(StorageS3, {"bucket": "shop"}).run({"action": "get", "key": "k"}, unit.context())
    said = unit.http.asked[0]["headers"]["authorization"]
    assert said.startswith("AWS4-HMAC-SHA256 Credential=AKIA1/20260301/us-east-1/s3/aws4_request,")


async def test_without_a_key_id_nothing_is_signed(unit):
    await ask(unit, {"action": "get", "key": "k"}, accessKeyId="")
    assert unit.http.asked[0]["headers"] == {}


@pytest.mark.parametrize(
    ("key", "secret"), [("bucket", "a.example/x?"), ("region", "x.example#"), ("endpoint", "file:///etc")]
)
async def test_a_secret_that_is_no_bucket_region_or_endpoint_leads_nowhere(unit, key, secret):
    unit.secrets.values["S"] = secret
    with pytest.raises(StepFailed) as failure:
        await ask(unit, {"action": "get", "key": "k"}, **{key: "${S}"})
    assert (failure.value.code, unit.http.asked) == (f"s3.bad_{key}", [])


async def test_a_key_id_that_no_header_can_carry_leads_nowhere(unit):
    with pytest.raises(StepFailed):
        await ask(unit, {"action": "get", "key": "k"}, accessKeyId="a\nb")
    assert unit.http.asked == []


@pytest.mark.parametrize(
    "config", [{}, {"bucket": ""}, {"bucket": "a/b"}, {"bucket": "abc", "endpoint": "store:9000"}, {"bucket": "ab"}]
)
def test_a_config_without_a_bucket_or_with_an_impossible_place_is_refused(config):
    with pytest.raises(ValidationError):
        make(StorageS3, config)


def written(unit):
    return unit.http.asked[-1]["url"].removeprefix("http://store.example:9000/shop/")


async def test_a_message_is_written_under_topic_date_and_step_and_a_repeat_writes_the_same(unit):
    store, keys = make(StorageS3, PLACE), []
    for _ in range(2):
        unit.http.replies.append(HttpReply(200, {}, b""))
        await store.take({"action": "delete", "key": "k"}, unit.context(step_id=STEP, action="order.paid"))
        keys.append(written(unit))
        unit.clock.pass_seconds(86_400)
    assert keys == [f"order.paid/2024-04-21/{STEP}"] * 2
    assert (unit.http.asked[0]["method"], unit.http.asked[0]["body"]) == ("PUT", b'{"action":"delete","key":"k"}')
    assert store.effect is Effect.IDEMPOTENT


@pytest.mark.parametrize(
    ("topic", "beginning"), [("", "thing"), ("a/../../b", "a/_/_/b"), ("/ä b/", "__b"), ("x" * 900, "x" * 400)]
)
async def test_no_topic_leads_out_of_its_place(unit, topic, beginning):
    unit.http.replies.append(HttpReply(200, {}, b""))
    await make(StorageS3, PLACE).take("m", unit.context(step_id=STEP, action=topic))
    assert written(unit).rsplit("/", 2)[0] == beginning


DOCUMENT = """
modules:
  - {name: bus, type: messaging.broker}
  - {name: store, type: storage.s3, config: {bucket: shop, endpoint: 'http://s.example', accessKeyId: ''}}
workflows:
  pipelines:
    place: {steps: [{emit: order.placed}]}
  messaging: {subscriptions: [{topic: 'order.*', handler: store}]}
"""


async def test_a_message_that_reads_like_a_request_is_kept_and_never_done():
    async with Bench(compile_document(load(DOCUMENT).document, registry())) as bench:
        bench.http.answer(500)
        bench.http.unreachable()
        async with bench.host.unit() as unit:
            unit.broker.publish("order.placed", {"action": "delete", "key": "everything"})
        await bench.settle()
        assert {call.method for call in bench.http.calls} == {"PUT"}
        assert len(bench.http.calls) == 3
        (url,) = {call.url for call in bench.http.calls}
        assert re.fullmatch(r"http://s\.example/shop/order\.placed/\d{4}-\d\d-\d\d/[0-9a-f-]{36}", url)
        assert bench.http.calls[0].json() == {"action": "delete", "key": "everything"}
        assert bench.host.bugs == []


STORE = "{name: store, type: storage.s3, config: {bucket: shop, endpoint: 'http://s.example', accessKeyId: ''}"
JOB = f"""
modules:
  - {{name: clock, type: scheduler.cron, config: {{cronExpression: "*/15 * * * *"}}}}
  - {STORE}}}
workflows:
  scheduler: {{jobs: [{{scheduler: clock, job: store, config: {{action: delete, key: k}}}}]}}
"""
FLOW = f"""
modules:
  - {{name: server, type: http.server, config: {{address: ":8080"}}}}
  - {{name: router, type: http.router, dependsOn: [server]}}
  - {{name: orders, type: http.handler, config: {{status: 202}}, dependsOn: [router]}}
  - name: is-large
    type: conditional.ifelse
    config: {{expression: "total > 1"}}
    dependsOn: [orders]
    branches: {{"true": store}}
  - {STORE}}}
workflows:
  http: {{routes: [{{method: POST, path: /orders, handler: orders}}]}}
"""
HOOK = f"""
modules:
  - {{name: server, type: http.server, config: {{address: ":8080"}}}}
  - {{name: router, type: http.router, dependsOn: [server]}}
  - {{name: engine, type: statemachine.engine}}
  - name: tickets
    type: api.handler
    config: {{resourceName: tickets, workflowType: ticket, workflowEngine: engine}}
  - {STORE}}}
workflows:
  http:
    routes:
      - {{method: POST, path: /tickets, handler: tickets}}
      - {{method: PUT, path: "/tickets/{{id}}/transition", handler: tickets}}
  statemachine:
    engine: engine
    definitions:
      - name: ticket
        initialState: open
        states: {{open: {{}}, solved: {{isFinal: true}}}}
        transitions: {{solve: {{fromState: open, toState: solved}}}}
    hooks:
      - {{workflowType: ticket, transitions: [solve], handler: store}}
"""
ORDER = {"action": "delete", "key": "k", "total": 2}


async def test_a_job_a_flow_and_a_hook_hand_over_messages_too():
    kept = {}
    for name, text in (("job", JOB), ("flow", FLOW), ("hook", HOOK)):
        async with Bench(compile_document(load(text).document, registry())) as bench:
            if name == "flow":
                await bench.request("POST", "/orders", body=ORDER)
            elif name == "hook":
                identity = (await bench.request("POST", "/tickets", body=ORDER)).json()["id"]
                await bench.request("PUT", f"/tickets/{identity}/transition", body={"transition": "solve"})
            else:
                await bench.host.drain()
                bench.clock.advance(1000)
            await bench.host.drain()
            kept[name] = {(call.method, call.url.split("/")[4]) for call in bench.http.calls}
            assert bench.host.bugs == []
    assert {name: sorted(calls) for name, calls in kept.items()} == {
        "job": [("PUT", "clock_store")],
        "flow": [("PUT", "store")],
        "hook": [("PUT", "solve")],
    }
