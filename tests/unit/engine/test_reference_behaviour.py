"""What the reference system's own end-to-end tests assert (spec/modules.md 14), of real module types on one host."""

import pytest

import apps.modules.catalog
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.registry import discover
from apps.engine.testing import Bench

pytestmark = [pytest.mark.spec("CAT-B1"), pytest.mark.spec("CAT-B2")]

TEXT = """
modules:
- {name: server, type: http.server, config: {address: ':8080'}}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: hello, type: http.handler}
- {name: request-id, type: http.middleware.requestid}
- {name: limit, type: http.middleware.ratelimit, config: {requestsPerMinute: 60, burstSize: 2}}
- {name: guard, type: http.middleware.auth}
- {name: users, type: auth.jwt, config: {secret: a text of thirty-two characters.}}
- {name: engine, type: statemachine.engine}
- name: orders
  type: api.handler
  config: {resourceName: orders, workflowType: order, workflowEngine: engine}
- name: shaped
  type: data.transformer
  config:
    pipelines:
      order:
      - {type: extract, config: {path: order.0}}
      - {type: map, config: {mappings: {no: number}}}
      - {type: filter, config: {fields: [number, total]}}
- name: partner
  type: webhook.sender
  config: {url: 'https://partner.test/hook', headers: {X-Shop: weft}, maxRetries: 2, initialBackoff: 1s}
- {name: alerts, type: notification.slack, config: {webhookURL: 'https://slack.test/x', channel: '#shop'}}
- {name: inbox, type: messaging.handler}
- {name: other, type: messaging.handler}
workflows:
  http:
    routes:
    - {method: POST, path: /hello, handler: hello}
    - {method: POST, path: /auth/register, handler: users}
    - {method: GET, path: /guarded, handler: hello, middlewares: [request-id, limit, guard]}
    - {method: POST, path: /orders, handler: orders}
    - {method: GET, path: '/orders/{id}', handler: orders}
    - {method: PUT, path: '/orders/{id}/transition', handler: orders}
    - {method: POST, path: /shape, handler: shape}
  messaging:
    subscriptions:
    - {topic: order.paid, handler: inbox}
    - {topic: order.paid.late, handler: other}
    - {topic: order.sent, handler: partner}
    - {topic: order.lost, handler: alerts}
  pipelines:
    shape: {steps: [{name: it, uses: shaped}, {respond: {body: '${steps.it}'}}]}
  statemachine:
    engine: engine
    definitions:
    - name: order
      initialState: new
      states: {new: {}, paid: {}, sent: {isFinal: true}}
      transitions:
        pay: {fromState: new, toState: paid}
        send: {fromState: paid, toState: sent}
"""


@pytest.fixture
async def shop():
    async with Bench(compile_document(load(TEXT).document, discover(apps.modules.catalog))) as bench:
        yield bench


async def publish(shop, topic, *payloads):
    for payload in payloads:
        async with shop.host.unit() as unit:
            unit.broker.publish(topic, payload)
    await shop.settle()


async def transition(shop, identity, name):
    return await shop.request("PUT", f"/orders/{identity}/transition", body={"transition": name})


def handled(shop, entry):
    return [run for run in shop.host.queue.runs("local") if run["entry"] == entry]


async def test_a_simple_route_answers_with_three_keys_and_only_to_its_method(shop):
    found = await shop.request("POST", "/hello")
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    assert set(found.json()) == {"handler", "status", "message"}
    assert [(await shop.request(*asked)).status for asked in (("PUT", "/hello"), ("POST", "/nothing"))] == [405, 404]


async def test_an_order_reads_as_it_was_written_and_two_are_apart(shop):
    for identity, total in (("1", 5), ("2", 9)):
        assert (await shop.request("POST", "/orders", body={"id": identity, "total": total})).status == 201
    totals = [(await shop.request("GET", f"/orders/{identity}")).json()["data"]["total"] for identity in ("1", "2")]
    assert totals == [5, 9]
    assert (await shop.request("POST", "/orders", body=b"{total")).status == 400
    assert (await shop.request("GET", "/orders/3")).status == 404


async def test_an_order_goes_its_whole_way_and_no_step_that_is_not_next(shop):
    await shop.request("POST", "/orders", body={"id": "1"})
    for name, told in (("send", "send"), ("fly", "fly"), ("", "Name the transition")):
        refused = await transition(shop, "1", name)
        assert (refused.status, told in refused.json()["error"]) == (400, True)
    states = [(await transition(shop, "1", name)).json()["state"] for name in ("pay", "send")]
    assert states == ["paid", "sent"]
    refused = await transition(shop, "1", "pay")
    assert (refused.status, "pay" in refused.json()["error"]) == (400, True)
    assert (await transition(shop, "9", "pay")).status == 404


async def test_a_broker_hands_on_the_exact_payload_to_the_exact_topic_in_order(shop):
    payloads = [{"n": 1, "deep": [None, {"a": 1.5}]}, {"n": 2}, {"n": 3}]
    await publish(shop, "order.paid", *payloads)
    assert [run["input"] for run in handled(shop, "message:order.paid -> inbox")] == payloads
    assert handled(shop, "message:order.paid.late -> other") == []


async def test_a_transformer_extracts_renames_and_strips(shop):
    found = await shop.request("POST", "/shape", body={"order": [{"no": 7, "total": 3, "secret": "x"}], "more": 1})
    assert found.json() == {"number": 7, "total": 3}


async def test_a_webhook_sends_exactly_this_and_after_its_retries_the_message_is_dead(shop):
    for _ in range(3):
        shop.http.answer(500)
    await publish(shop, "order.sent", {"n": 1})
    await publish(shop, "order.sent", {})
    assert [call.body for call in shop.http.calls] == [b'{"n":1}'] * 3 + [b"{}"]
    assert {(call.method, call.headers["x-shop"], call.headers["content-type"]) for call in shop.http.calls} == {
        ("POST", "weft", "application/json")
    }
    dead, sent = handled(shop, "message:order.sent -> partner")
    assert (dead["status"], sent["status"]) == ("failed", "done")


async def test_slack_is_told(shop):
    await publish(shop, "order.lost", {"text": "where is it?"})
    (call,) = shop.http.calls
    assert (call.url, call.json()["text"], call.json()["channel"]) == (
        "https://slack.test/x", "where is it?", "#shop",
    )  # fmt: skip


async def test_refusals_of_a_guard_carry_an_id_cost_the_caller_a_token_and_tell_nothing(shop):
    wrong = [{}, {"authorization": "Basic x"}]
    refused = [await shop.request("GET", "/guarded", headers={"x-request-id": "mine", **each}) for each in wrong]
    assert {(each.status, each.headers["x-request-id"]) for each in refused} == {(401, "mine")}
    assert {each.headers["content-type"].partition(";")[0] for each in refused} == {"text/plain"}
    assert not any(word in each.body for each in refused for word in (b"Traceback", b"apps", b"users"))
    sent = {"email": "ann@shop.test", "name": "Ann", "password": "correct horse"}
    token = (await shop.request("POST", "/auth/register", body=sent)).json()["token"]
    mine = {"authorization": f"Bearer {token}"}
    assert (await shop.request("GET", "/guarded", headers=mine)).status == 429
    shop.clock.advance(1)
    assert (await shop.request("GET", "/guarded", headers=mine)).status == 200
