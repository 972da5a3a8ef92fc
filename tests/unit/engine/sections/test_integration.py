"""Steps that act on connectors, on the local host: what is sent, what is kept, what follows, what is told."""

from uuid import UUID

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused
from apps.engine.local.host import LOCAL
from apps.engine.outcome import StepFailed
from apps.engine.ports import HttpReply
from apps.engine.testing import Bench
from apps.engine.trigger import UnknownWorkflow
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("D22", "integration.registry", "CAT-B2", "CAT-B2.6")

HEAD = """modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: broker, type: messaging.broker}
  - {name: hub, type: integration.registry}
  - {name: inbox, type: messaging.handler}
  - {name: integrations, type: api.handler, config: {resourceName: integrations}}
"""
CONNECTORS = """
    connectors:
      - {name: crm, type: http, config: {baseURL: "https://crm.example/v1", authType: bearer, token: "${TOKEN}"}}
      - {name: shop, type: rest, config: {baseURL: "https://shop.example"}}
"""
SECRETS = {"TOKEN": "t0ken", "USER": "ann", "PASSWORD": "s3cret"}


def document(steps, *, connectors=CONNECTORS, more=""):
    return f"{HEAD}workflows:\n  integration:\n    registry: hub{connectors}    steps:\n{steps}{more}"


def bench(steps, **parts):
    application = compile_document(load(document(steps, **parts)).document, registry())
    return Bench(application, secrets=SECRETS)


async def run(found, data, action="go", workflow="integration"):
    """Start a run as a trigger does, let everything happen, and return it."""
    application = found.host.application()
    run_id = await found.host.start_run(application.resolve(workflow, action, data))
    await found.settle()
    assert found.host.bugs == []
    return found.host.queue.run(LOCAL, run_id)


TWO = """
      - name: check-customer
        connector: crm
        action: GET /customers/{customerId}
        input: {customerId: "${data.customer.id}", expand: all, none: "${data.nothing}"}
      - name: order
        connector: shop
        action: POST /orders
        input:
          note: "Order ${data.id} of ${check-customer.name}"
          lines: [{sku: "${data.sku}"}]
          whole: "${check-customer}"
"""


async def test_inputs_reach_into_data_and_earlier_results_and_the_path_takes_its_part():
    async with bench(TWO) as found:
        found.http.answer(200, {"name": "Ann", "vip": True})
        found.http.answer(201, {"order": 7})
        done = await run(found, {"id": 5, "customer": {"id": "a/b"}, "sku": "s-1"})
    first, second = found.http.calls
    assert (first.method, first.url) == ("GET", "https://crm.example/v1/customers/a%2Fb?expand=all")
    assert first.headers["authorization"] == "Bearer t0ken"
    assert (second.method, second.url) == ("POST", "https://shop.example/orders")
    customer = {"name": "Ann", "vip": True, "statusCode": 200}
    assert second.json() == {"note": "Order 5 of Ann", "lines": [{"sku": "s-1"}], "whole": customer}
    assert second.headers["idempotency-key"]
    assert "idempotency-key" not in first.headers
    assert done["status"] == "done"
    assert done["output"]["check-customer"] == customer
    assert done["output"]["order"] == {"order": 7, "statusCode": 201}
    assert done["output"]["id"] == 5
    assert [step["name"] for step in done["steps"]] == ["check-customer", "order"]


async def test_a_transform_replaces_the_input():
    steps = """
      - {name: look, connector: crm, action: GET /places}
      - name: reserve
        connector: shop
        action: POST /products/{productId}/reserve
        input: {never: sent}
        transform: |
          { "productId": data.product, "at": data.place || look.preferred.place, "n": data.n || 1, }
"""
    async with bench(steps) as found:
        found.http.answer(200, {"preferred": {"place": "north"}})
        await run(found, {"product": "p 1", "n": 0})
    call = found.http.calls[1]
    assert (call.url, call.json()) == ("https://shop.example/products/p%201/reserve", {"at": "north", "n": 0})


FAILING = """
      - {{name: pay, connector: shop, action: POST /pay, input: {{n: 1}}, retryCount: {count}, retryDelay: 3s{more}}}
      - {{name: ship, connector: shop, action: POST /ship}}
"""


@pytest.mark.spec("D9")
@pytest.mark.parametrize("count", ["2", "2.0", '"2"'])
@pytest.mark.shows("integration.registry", "failure")
async def test_a_failing_step_is_tried_again_after_its_pause_and_leaves_its_error_behind(count):
    async with bench(FAILING.format(count=count, more=", onError: inbox")) as found:
        began = found.clock.now()
        times = []
        for status in (500, 402, 503):
            found.http.script.append(lambda call, status=status: times.append(found.clock.now()) or _reply(status))
        done = await run(found, {"id": 1})
        assert [(at - began).total_seconds() for at in times] == [0.0, 3.0, 6.0]
        assert [call.url for call in found.http.calls] == ["https://shop.example/pay"] * 3 + [
            "https://shop.example/ship"
        ]
        assert len({call.headers["idempotency-key"] for call in found.http.calls[:3]}) == 1
    assert done["status"] == "done"
    assert done["output"]["pay_error"] == "shop: POST /pay was answered 503."
    assert "pay" not in done["output"]
    assert done["output"]["ship"] == {"statusCode": 200}
    handled = next(step for step in done["steps"] if step["name"] == "pay.onError")
    assert handled["output"] == {"step": "pay", "error": "shop: POST /pay was answered 503."}


def _reply(status):
    return HttpReply(status, {}, b"{}")


@pytest.mark.shows("integration.registry", "failure")
async def test_without_on_error_the_run_fails_with_the_results_so_far():
    steps = """
      - {name: look, connector: crm, action: GET /a}
      - {name: pay, connector: shop, action: POST /pay}
      - {name: ship, connector: shop, action: POST /ship}
"""
    async with bench(steps) as found:
        found.http.answer(200, {"n": 1})
        found.http.answer(400, {"why": "no"})
        failed = await run(found, {"id": 1})
    assert (failed["status"], failed["error"]["code"], failed["error"]["step"]) == (
        "failed",
        "integration.refused",
        "pay",
    )
    assert failed["output"] == {"id": 1, "look": {"n": 1, "statusCode": 200}}
    assert len(found.http.calls) == 2


async def test_a_partner_that_asks_for_a_longer_pause_gets_it():
    async with bench(FAILING.format(count=1, more="")) as found:
        began = found.clock.now()
        found.http.answer(429, {}, {"retry-after": "50"})
        await run(found, {})
        assert (found.clock.now() - began).total_seconds() == 50.0


async def test_a_name_that_means_nothing_is_said_in_the_log():
    steps = "      - {name: pay, connector: shop, action: POST /pay, onSuccess: nobody, onError: noone}\n"
    async with bench(steps) as found:
        good = await run(found, {})
        found.http.answer(500)
        bad = await run(found, {})
    assert [line["message"] for line in good["steps"][0]["logs"]] == [
        "onSuccess names 'nobody', which is no module, pipeline or subscribed topic."
    ]
    assert bad["status"] == "done"
    assert bad["steps"][1]["logs"][0]["level"] == "warning"


FOLLOWED = """  messaging:
    subscriptions:
      - {topic: "paid.*", handler: inbox}
  pipelines:
    note: {steps: [{name: mark, set: {seen: "${data.step}"}}]}
"""


async def test_success_calls_a_pipeline_or_publishes_a_topic():
    steps = """
      - {name: pay, connector: shop, action: POST /pay, onSuccess: paid.order}
      - {name: ship, connector: shop, action: POST /ship, onSuccess: note}
"""
    async with bench(steps, more=FOLLOWED) as found:
        done = await run(found, {})
        (message,) = found.host.queue.messages(LOCAL)
        assert message["topic"] == "paid.order"
        assert message["payload"] == {"step": "pay", "result": {"statusCode": 200}}
    assert [step["name"] for step in done["steps"]][-3:] == [
        "ship.onSuccess",
        "ship.onSuccess/mark",
        "ship.onSuccess.end",
    ]
    assert "seen" not in done["output"]


TOLD = """  messaging:
    subscriptions:
      - {topic: "workflow.integration.step.**", handler: inbox}
"""


@pytest.mark.spec("CAT-B2.13")
async def test_steps_tell_when_they_begin_and_how_they_end():
    steps = """
      - {name: look-up, connector: crm, action: GET /a}
      - {name: pay, connector: shop, action: POST /pay}
"""
    async with bench(steps, more=TOLD) as found:
        found.http.answer(200, {"n": 1})
        found.http.answer(500)
        done = await run(found, {})
        messages = found.host.queue.messages(LOCAL)
    assert done["status"] == "failed"
    assert [message["topic"].removeprefix("workflow.integration.step.") for message in messages] == [
        "look-up.started",
        "look-up.completed",
        "pay.started",
        "pay.failed",
    ]
    completed, failed = messages[1]["payload"], messages[3]["payload"]
    assert completed == {
        "workflowType": "integration",
        "stepName": "look-up",
        "connector": "crm",
        "action": "GET /a",
        "status": "completed",
        "timestamp": completed["timestamp"],
        "duration": 0,
        "results": {"n": 1, "statusCode": 200},
    }
    assert (failed["status"], failed["error"]) == ("failed", "shop: POST /pay was answered 500.")


def outside(text):
    """Compile the same document with its messages on a broker outside."""
    there = text.replace("type: messaging.broker", 'type: messaging.kafka, config: {brokers: "post.example"}')
    return compile_document(load(there).document, registry())


@pytest.mark.spec("CAT-B2.13", "messaging.kafka")
async def test_steps_tell_on_the_bus_whichever_broker_the_document_s_messages_go_to():
    text = document("      - {name: pay, connector: shop, action: POST /pay}\n", more=TOLD)
    async with Bench(outside(text), secrets=SECRETS) as found:
        assert (await run(found, {}))["status"] == "done"
        runs = [row for row in found.host.queue.runs(LOCAL) if row["workflow"] == "inbox"]
        assert sorted(row["input"]["status"] for row in runs) == ["completed", "started"]
        assert found.wires.sent == []


@pytest.mark.spec("messaging.kafka")
async def test_what_follows_a_step_goes_to_the_broker_outside_that_the_document_listens_to():
    steps = """
      - {name: pay, connector: shop, action: POST /pay, onSuccess: paid.order}
      - {name: ship, connector: shop, action: POST /ship, onSuccess: workflow.shipped}
"""
    more = FOLLOWED.replace("  pipelines:", "      - {topic: workflow.shipped, handler: inbox}\n  pipelines:")
    async with Bench(outside(document(steps, more=more)), secrets=SECRETS) as found:
        assert (await run(found, {}))["status"] == "done"
        assert [message.topic for _, message in found.wires.sent] == ["paid.order"]


@pytest.mark.spec("messaging.kafka")
async def test_an_event_that_comes_in_goes_to_the_broker_outside_that_the_document_listens_to():
    more = FOLLOWED.replace("  pipelines:", "      - {topic: workflow.new, handler: inbox}\n  pipelines:")
    receiving = RECEIVING.replace("name: events", "name: workflow")
    text = f"{HEAD}workflows:\n  integration:\n    registry: hub{receiving}{more}"
    async with Bench(outside(text)) as found:
        assert (await found.request("POST", "/hooks/in", body={"type": "lost"})).status == 202
        assert (await found.request("POST", "/hooks/in", body={"type": "new"})).status == 501
        await found.settle()
        assert [message.topic for _, message in found.wires.sent] == ["paid.lost"]


async def test_a_section_that_hears_its_own_steps_does_not_feed_itself():
    more = TOLD.replace("inbox", "again") + ("  pipelines:\n    again: {steps: [{name: once, set: {a: 1}}]}\n")
    async with bench("      - {name: pay, connector: shop, action: POST /pay}\n", more=more) as found:
        await run(found, {})
        assert len(found.host.queue.messages(LOCAL)) == 2
        async with found.host.unit() as unit:
            assert unit.broker.is_quiet is False
        assert found.host.new_unit(LOCAL, quiet=True).broker.is_quiet is True


async def test_a_rate_lets_one_call_through_at_a_time_and_costs_no_attempt():
    connectors = """
    connectors:
      - {name: shop, type: api, config: {baseURL: "https://shop.example", requestsPerMinute: "30"}}
"""
    steps = "".join(f"      - {{name: s{n}, connector: shop, action: POST /s}}\n" for n in range(3))
    async with bench(steps, connectors=connectors) as found:
        began = found.clock.now()
        done = await run(found, {})
        assert (found.clock.now() - began).total_seconds() == pytest.approx(4.0)
    assert (done["status"], len(found.http.calls)) == ("done", 3)
    assert {step["attempt"] for step in done["steps"]} == {1}


async def test_private_targets_are_asked_for_only_where_the_connector_says_so():
    connectors = """
    connectors:
      - {name: out, type: http, config: {baseURL: "https://a.example"}}
      - {name: in, type: http, config: {baseURL: "http://10.0.0.7", allowPrivateIPs: true}}
"""
    steps = "      - {name: a, connector: out, action: GET /}\n      - {name: b, connector: in, action: GET /}\n"
    async with bench(steps, connectors=connectors) as found:
        await run(found, {})
        assert [call.public_only for call in found.http.calls] == [True, False]


async def test_a_refused_target_is_final():
    steps = "      - {name: pay, connector: shop, action: POST /pay, retryCount: 3, onError: inbox}\n"
    async with bench(steps) as found:
        found.http.script.append(StepFailed("a private address", code="http.forbidden_target"))
        done = await run(found, {})
    assert (len(found.http.calls), done["output"]["pay_error"]) == (1, "a private address")


async def test_credentials_and_headers_are_filled_in_at_the_last_moment():
    connectors = """
    connectors:
      - name: shop
        type: http
        config: {baseURL: "https://shop.example/", authType: Basic, username: "${USER}", password: "${PASSWORD}",
                 headers: {Accept: text/plain, X-Key: "k-${TOKEN}"}, timeoutSeconds: 2}
"""
    steps = '      - {name: a, connector: shop, action: PUT /a, input: {secret: "${TOKEN}"}}\n'
    async with bench(steps, connectors=connectors) as found:
        done = await run(found, {})
    (call,) = found.http.calls
    assert call.headers["authorization"] == "Basic YW5uOnMzY3JldA=="
    assert (call.headers["accept"], call.headers["x-key"]) == ("text/plain", "k-t0ken")
    assert call.json() == {"secret": "t0ken"}
    assert "t0ken" not in str(done)


@pytest.mark.parametrize("body", [b"plain", b"[1]", b"5", b""])
async def test_an_answer_that_is_no_object_is_kept_as_it_is(body):
    async with bench("      - {name: a, connector: shop, action: GET /a}\n") as found:
        found.http.script.append(HttpReply(200, {}, body))
        done = await run(found, {})
    assert done["output"]["a"] == {"statusCode": 200, "raw": body.decode()}


async def test_a_path_that_nothing_fills_fails_the_step_with_its_place():
    steps = '      - {name: a, connector: shop, action: "GET /a/{id}", input: {id: "${data.id}"}}\n'
    async with bench(steps) as found:
        failed = await run(found, {})
    assert (failed["error"]["code"], failed["error"]["status"]) == ("integration.parameter_missing", 422)
    assert failed["error"]["data"]["errors"][0]["pointer"] == "/id"
    assert found.http.calls == []


DATABASE = """
    connectors:
      - {name: stock, type: database, config: {driver: sqlite3, dsn: stock.db, maxOpenConns: 5.0}}
      - {name: events, type: webhook, config: {path: events}}
"""


@pytest.mark.spec("D9")
async def test_a_database_is_asked_with_values_apart_and_never_changed_as_a_whole():
    steps = """
      - {name: make, connector: stock, action: execute, input: {sql: "create table items (sku text, n int)"}}
      - {name: add, connector: stock, action: insert, input: {table: items, data: {sku: "${data.sku}", n: 1}}}
      - {name: more, connector: stock, action: update, input: {table: items, data: {n: 2}, where: {sku: "${data.sku}"}}}
      - name: look
        connector: stock
        action: query
        input: {sql: "select n from items where sku = $1", args: "${data.sku}"}
      - {name: nothing, connector: events, action: whatever}
      - {name: wipe, connector: stock, action: delete, input: {table: items}, onError: inbox}
      - {name: odd, connector: stock, action: insert, input: {table: "items; drop", data: {n: 1}}}
"""
    async with bench(steps, connectors=DATABASE) as found:
        failed = await run(found, {"sku": "a'b"})
    output = failed["output"]
    assert output["make"] == {"rowsAffected": 0}
    assert (output["add"], output["more"]) == ({"rowsAffected": 1}, {"rowsAffected": 1})
    assert output["look"]["rows"] == [{"n": 2}]
    assert output["nothing"] == {}
    assert "everyRow" in output["wipe_error"]
    assert (failed["error"]["step"], failed["error"]["code"]) == ("odd", "database.bad_request")


@pytest.mark.parametrize("workflow", ["integration", "hub", "orders"])
async def test_the_section_its_registry_and_its_name_start_all_steps(workflow):
    text = document(TWO).replace("registry: hub", "registry: hub\n    name: orders")
    async with Bench(compile_document(load(text).document, registry()), secrets=SECRETS) as found:
        done = await run(found, None, "anything", workflow)
        assert len(found.http.calls) == 0
        assert done["error"]["code"] == "integration.parameter_missing"
        one = await run(found, ["x"], f"{workflow}:order", workflow)
        assert one["output"]["payload"] == ["x"]
        assert [call.url for call in found.http.calls] == ["https://shop.example/orders"]
        assert (one["section"], one["workflow"]) == ("integration", workflow)


async def test_a_section_without_steps_has_nothing_to_run():
    text = HEAD + f"workflows:\n  integration:\n    registry: hub{CONNECTORS}"
    application = compile_document(load(text).document, registry())
    with pytest.raises(UnknownWorkflow):
        application.resolve("integration", "go", {})


ROUTES = """  http:
    routes:
      - {method: POST, path: "/api/integrations/:name/execute", handler: integrations}
      - {method: GET, path: /api/integrations, handler: integrations}
triggers:
  http:
    routes:
      - {method: POST, path: "/go/{id}", workflow: integration, action: go, params: {from: trigger}}
"""


async def test_the_example_s_route_and_a_trigger_start_the_section():
    async with bench("      - {name: pay, connector: shop, action: POST /pay}\n", more=ROUTES) as found:
        for name in ("hub", "integration", "pay"):
            answer = await found.request("POST", f"/api/integrations/{name}/execute?a=1", body={"n": 2})
            assert (answer.status, answer.json()["status"]) == (202, "workflow triggered")
        assert (await found.request("POST", "/go/7", body={"n": 3})).status == 202
        unknown = await found.request("POST", "/api/integrations/other/execute", body={})
        assert (unknown.status, unknown.json()["code"]) == (404, "integration.unknown")
        assert (await found.request("GET", "/api/integrations")).json() == []
        await found.settle()
        runs = [row for row in found.host.queue.runs(LOCAL) if row["section"] == "integration"]
        assert sorted(row["input"]["n"] for row in runs) == [2, 2, 2, 3]
        assert len(found.http.calls) == 4


RECEIVING = """
    connectors:
      - name: events
        type: webhook
        config: {path: hooks/in, port: 8081, handlers: {paid: note, lost: paid.lost, void: nobody}}
"""


async def test_events_come_in_at_the_document_s_own_address_and_go_by_their_type():
    new = "      - {topic: events.new, handler: inbox}\n  pipelines:"
    more = FOLLOWED.replace("  pipelines:", new)
    text = f"{HEAD}workflows:\n  integration:\n    registry: hub{RECEIVING}{more}"
    async with Bench(compile_document(load(text).document, registry())) as found:
        paid = await found.request("POST", "/hooks/in", body={"type": "paid", "step": 7})
        assert (paid.status, paid.json()["status"]) == (202, "accepted")
        for kind in ("lost", "new"):
            assert (await found.request("POST", "/hooks/in", body={"type": kind})).status == 202
        for body in ({"type": "void"}, {"type": "other"}, {}):
            refused = await found.request("POST", "/hooks/in", body=body)
            assert (refused.status, refused.json()["code"]) == (501, "webhook.no_handler")
        await found.settle()
        assert found.host.queue.run(LOCAL, UUID(paid.json()["runId"]))["steps"][-1]["name"] == "handle.end"
        assert sorted(row["topic"] for row in found.host.queue.messages(LOCAL)) == ["events.new", "paid.lost"]
        assert (await found.request("GET", "/hooks/in")).status == 405
        assert found.host.bugs == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"<a/>", {"content-type": "text/xml"}, 415),
        (b"", {}, 422),
        (b"{", {"content-type": "application/json"}, 400),
        (b"[1]", {"content-type": "application/json"}, 422),
        (b'{"type": 5}', {"content-type": "application/json"}, 422),
        (b"{}", {"content-type": "application/cloudevents+json"}, 501),
    ],
)
async def test_what_is_no_event_is_refused(body, headers, status):
    text = f"{HEAD}workflows:\n  integration:\n    registry: hub{RECEIVING}"
    async with Bench(compile_document(load(text).document, registry())) as found:
        assert (await found.request("POST", "/hooks/in", body=body, headers=headers)).status == status


@pytest.mark.spec("D16")
async def test_a_form_is_an_event_too():
    text = f"{HEAD}workflows:\n  integration:\n    registry: hub{RECEIVING}{FOLLOWED}"
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    async with Bench(compile_document(load(text).document, registry())) as found:
        sent = await found.request("POST", "/hooks/in", body=b"type=paid&Body=two+words&empty=", headers=form)
        assert sent.status == 202
        await found.settle()
        (run,) = [run for run in found.host.queue.runs("local") if run["id"] == sent.json()["runId"]]
        assert run["input"] == {"type": "paid", "Body": "two words", "empty": ""}


def test_a_section_that_is_wrong_does_not_compile():
    with pytest.raises(DocumentRefused):
        compile_document(load(document("      - {name: a, connector: none, action: GET /}\n")).document, registry())
