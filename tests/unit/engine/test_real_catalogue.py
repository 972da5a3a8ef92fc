"""Documents of real module types, from the request to the last step."""

import pytest

import apps.modules.catalog
from apps.engine.application import Application
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.registry import discover
from apps.engine.testing import Bench

ORDERS = """
modules:
- {name: server, type: http.server, config: {address: ':8080'}}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: health, type: health.checker}
- {name: metrics, type: metrics.collector}
- {name: request-id, type: http.middleware.requestid}
- name: orders
  type: api.handler
  config: {resourceName: orders, workflowType: order, workflowEngine: engine, initialTransition: reserve}
- {name: engine, type: statemachine.engine}
- name: reserve
  type: processing.step
  config: {componentId: inventory, successTransition: reserved, compensateTransition: fail, maxRetries: 1}
- {name: notify, type: webhook.sender, config: {url: 'https://receiver.test/hook'}}
workflows:
  http:
    router: router
    server: server
    routes:
    - {method: POST, path: /api/orders, handler: orders, middlewares: [request-id]}
    - {method: GET, path: '/api/orders/{id}', handler: orders}
  pipelines:
    inventory:
      steps:
      - {if: data.total > 100, then: [{respond: {body: {available: false, reason: out_of_stock}}}]}
      - respond: {body: {available: true}}
  statemachine:
    engine: engine
    definitions:
    - name: order
      initialState: new
      states:
        new: {}
        reserving: {}
        confirmed: {isFinal: true}
        failed: {isFinal: true, isError: true}
      transitions:
        reserve: {fromState: new, toState: reserving}
        reserved: {fromState: reserving, toState: confirmed}
        fail: {fromState: reserving, toState: failed}
    hooks:
    - {handler: reserve, transitions: [reserve]}
    - {handler: notify, toStates: [confirmed]}
"""


@pytest.fixture(scope="module")
def orders() -> Application:
    loaded = load(ORDERS)
    assert loaded.document is not None
    return compile_document(loaded.document, discover(apps.modules.catalog))


@pytest.mark.spec("SPINE-B4", "D4", "SPINE-B6.13")
async def test_an_order_is_accepted_reserved_and_told_about_once(orders):
    async with Bench(orders) as bench:
        made = await bench.request("POST", "/api/orders", body={"id": "7", "total": 50})
        assert made.status == 201
        await bench.settle()
        assert (await bench.request("GET", "/api/orders/7")).json()["state"] == "confirmed"
        assert len({call.headers["webhook-id"] for call in bench.http.calls}) == len(bench.http.calls) == 1


@pytest.mark.spec("D5", "D6", "SPINE-B4.10")
async def test_an_order_that_cannot_be_reserved_is_compensated(orders):
    async with Bench(orders) as bench:
        await bench.request("POST", "/api/orders", body={"id": "8", "total": 500})
        await bench.settle()
        assert (await bench.request("GET", "/api/orders/8")).json()["state"] == "failed"
        assert bench.http.calls == []


async def test_health_and_metrics_are_served_without_a_route(orders):
    async with Bench(orders) as bench:
        for path in ("/healthz", "/readyz", "/livez", "/health", "/ready", "/live", "/metrics"):
            assert (await bench.request("GET", path)).status == 200


@pytest.mark.spec("CAT-B2")
@pytest.mark.parametrize("broker", ["", "broker: second, "])
def test_one_of_several_routers_servers_and_brokers_is_meant_and_told(broker):
    text = f"""
modules:
- {{name: cors, type: chimux.router}}
- {{name: first, type: messaging.broker}}
- {{name: second, type: messaging.broker}}
- {{name: plain, type: http.router}}
- {{name: one, type: http.server, config: {{address: ":1"}}}}
- {{name: two, type: http.server, config: {{address: ":2"}}}}
- {{name: page, type: http.handler}}
workflows:
  http: {{routes: [{{method: GET, path: /, handler: page}}]}}
  messaging: {{{broker}subscriptions: []}}
"""
    application = compile_document(load(text).document, discover(apps.modules.catalog))
    told = [each.message for each in application.findings if each.code == "reference.ambiguous"]
    assert told[:2] == [
        "There are several: cors, plain; name one with 'router'. 'plain' is meant.",
        "There are several: one, two; name one with 'server'. 'one' is meant.",
    ]
    assert len(told) == (2 if broker else 3)
