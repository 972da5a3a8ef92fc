"""What a document's `metrics.collector` shows is fed by requests, runs and calls (spec/modules.md 3.5)."""

import pytest

import apps.modules.catalog
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.registry import discover
from apps.engine.samples import SAMPLE_FAMILIES
from apps.engine.testing import Bench
from tests.support.metric_pages import metrics_of

pytestmark = pytest.mark.spec("D30", "metrics.collector")

TEXT = """
modules:
- {name: server, type: http.server, config: {address: ':8080'}}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: metrics, type: metrics.collector, config: {namespace: shop}}
- {name: hello, type: http.handler}
- {name: inbox, type: messaging.handler}
- {name: partner, type: webhook.sender, config: {url: 'https://partner.test', maxRetries: 0}}
- {name: clock, type: scheduler.cron}
workflows:
  http:
    routes:
    - {method: GET, path: '/hello/{name}', handler: hello}
    - {method: POST, path: /tell, handler: tell}
  messaging:
    subscriptions: [{topic: told, handler: inbox}, {topic: out, handler: partner}]
  pipelines:
    tell: {steps: [{name: say, emit: told}]}
"""


@pytest.fixture
async def shop():
    async with Bench(compile_document(load(TEXT).document, discover(apps.modules.catalog))) as bench:
        yield bench


async def shown(bench):
    return metrics_of((await bench.request("GET", "/metrics")).body.decode())


async def test_all_six_families_are_fed_and_bear_the_namespace(shop):
    await shop.request("GET", "/hello/ann")
    await shop.request("POST", "/tell", body={"n": 1})
    await shop.settle()
    assert {name.removeprefix("shop_") for name in (await shown(shop)).families} >= set(SAMPLE_FAMILIES)


async def test_a_run_counts_while_it_goes_on_and_then_by_how_it_ended(shop):
    async with shop.host.unit() as unit:
        unit.broker.publish("told", {"n": 1})
        unit.broker.publish("out", {"n": 1})
    assert (await shown(shop)).value("shop_active_workflows", workflow_type="messaging") == 2
    shop.http.answer(410)
    await shop.settle()
    found = await shown(shop)
    assert found.value("shop_active_workflows", workflow_type="messaging") is None
    ended = {"workflow_type": "messaging", "action": "told", "status": "success"}
    assert found.value("shop_workflow_executions_total", **ended) == 1
    ended |= {"action": "out", "status": "error"}
    assert found.value("shop_workflow_executions_total", **ended) == 1
    assert found.value("shop_workflow_duration_seconds_count", workflow_type="messaging", action="out") == 1


async def test_modules_count_by_the_calls_they_answered_and_failed(shop):
    async with shop.host.unit() as unit:
        unit.broker.publish("told", {"n": 1})
        unit.broker.publish("out", {"n": 1})
    shop.http.answer(410)
    await shop.settle()
    await shop.request("GET", "/hello/ann")
    found = await shown(shop)
    calls = {
        (module, operation, status): found.value(
            "shop_module_operations_total", module=module, operation=operation, status=status
        )
        for module, operation, status in (
            ("inbox", "run", "success"),
            ("partner", "run", "error"),
            ("hello", "handle", "success"),
        )
    }
    assert set(calls.values()) == {1}


async def test_requests_count_by_pattern_so_that_no_caller_makes_series(shop):
    for name in ("ann", "bob"):
        await shop.request("GET", f"/hello/{name}")
    asked = {"method": "GET", "path": "/hello/{name}"}
    found = await shown(shop)
    assert found.value("shop_http_requests_total", status_code="200", **asked) == 2
    assert found.value("shop_http_request_duration_seconds_count", **asked) == 2
