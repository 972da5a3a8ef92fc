"""The samples of a document over all processes: those of its runs show where the web answers."""

from uuid import uuid4

import pytest

from apps.runs.adapters.cache import RedisCaches
from apps.runs.adapters.metrics import SampleBook, SharedSamples
from tests.support.metric_pages import metrics_of
from tests.support.serving import deployed, request, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("D30", "metrics.collector")

TEXT = """
modules:
- {name: server, type: http.server, config: {address: ':8080'}}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: metrics, type: metrics.collector, config: {namespace: shop}}
- {name: inbox, type: messaging.handler}
workflows:
  http:
    routes: [{method: GET, path: /hello, handler: tell}]
  messaging:
    subscriptions: [{topic: told, handler: inbox}]
  pipelines:
    tell: {steps: [{name: say, emit: told}]}
triggers:
  http: {routes: [{method: POST, path: /tell, workflow: tell, action: now}]}
"""
RUNS = {"workflow_type": "messaging", "action": "told"}


async def shown(ingress, tenant):
    return metrics_of((await request(ingress, "GET", f"/w/{tenant.slug}/shop/metrics")).body.decode())


async def test_unfinished_runs_show_and_then_those_that_a_worker_ended_for_their_tenant_alone(two_tenants, ingress):
    tenant, other = two_tenants
    for each in two_tenants:
        await deployed(each, "shop", TEXT)
    for _ in range(2):
        await request(ingress, "POST", f"/w/{tenant.slug}/shop/tell", {"n": 1})
    assert (await shown(ingress, tenant)).value("shop_active_workflows", workflow_type="pipelines") == 2
    async with working():

        async def ended():
            found = await shown(ingress, tenant)
            return found if found.value("shop_workflow_executions_total", **RUNS, status="success") == 2 else None

        found = await wait_for_async(ended, what="the samples of the worker")
    assert found.value("shop_active_workflows", workflow_type="pipelines") is None
    assert found.value("shop_workflow_duration_seconds_count", **RUNS) == 2
    assert found.value("shop_module_operations_total", module="inbox", operation="run", status="success") == 2
    assert found.value("shop_http_requests_total", method="POST", path="/tell", status_code="202") == 2
    theirs = await shown(ingress, other)
    assert theirs.value("shop_workflow_executions_total", **RUNS, status="success") is None
    assert theirs.value("shop_active_workflows", workflow_type="pipelines") is None


async def test_without_redis_a_process_keeps_what_it_has_seen_and_shows_it():
    caches, book, ids = RedisCaches("redis://127.0.0.1:1/0"), SampleBook(), (uuid4(), uuid4(), uuid4())
    book.of(ids).count("http_requests_total", {"path": "/a"})
    shared = SharedSamples(caches, book)
    for _ in range(2):
        assert 'http_requests_total{path="/a"} 1' in (await shared.read(ids)).render()
    await caches.close()
