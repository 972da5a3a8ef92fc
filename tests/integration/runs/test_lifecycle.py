"""Hosted runs and requests tell of themselves on the topics of their own workflow, when somebody listens there."""

import orjson
import psycopg
import pytest

from apps.core.scope import scope
from apps.core.sealing import opened
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.runs import run_cancel, run_start
from apps.runs.queries.runs import run_get, run_list
from apps.runs.rules.sealing import MESSAGE_PAYLOAD
from tests.integration.runs.documents import ORDERS
from tests.support.serving import deployed, request
from tests.support.waiting import wait_for_async

LISTENING = ORDERS.replace(
    "  pipelines:\n",
    "      - {topic: workflow.http.*, handler: glance}\n"
    "      - {topic: workflow.pipelines.*, handler: glance}\n"
    "  pipelines:\n",
    1,
)
EVERYTHING = ORDERS.replace("  pipelines:\n", "      - {topic: 'workflow.**', handler: accept}\n  pipelines:\n", 1)
PRICE = {"qty": 2, "price": 3}


def told(database, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute(
            "select topic, payload, run_id from runs_message"
            " where tenant_id = %s and topic like 'workflow.%%' order by published_at, id",
            [tenant.id],
        ).fetchall()
    return [
        (topic, orjson.loads(opened(payload, tenant.id, MESSAGE_PAYLOAD)), run_id) for topic, payload, run_id in found
    ]


def topics(database, tenant):
    return [topic for topic, _, _ in told(database, tenant)]


async def the(tenant, call, **named):
    def in_scope():
        with scope(tenant.id, tenant.actor):
            return call(**named)

    return await in_thread(in_scope)


async def start(tenant, workflow, name, data):
    run = await the(
        tenant,
        run_start,
        workflow_id=workflow.id,
        environment="prod",
        workflow=name,
        action="go",
        data=data,
        actor=tenant.actor,
    )
    return run["id"]


async def all_ended(tenant):
    async def look():
        page = await the(tenant, run_list)
        ended = all(run["state"] in ("done", "failed", "cancelled") for run in page.items)
        return page.items if ended else None

    return await wait_for_async(look, timeout=15, what="the end of all runs")


@pytest.mark.spec("SPINE-B4", "SPINE-B4.13", "CAT-B2.13")
async def test_a_request_tells_of_itself_where_somebody_listens_and_nowhere_else(
    database, two_tenants, ingress, worker
):
    tenant, other = two_tenants
    await deployed(tenant, "orders", LISTENING)
    await deployed(other, "orders", ORDERS)
    for one in two_tenants:
        assert (await request(ingress, "POST", f"/w/{one.slug}/orders/price", PRICE)).status == 200
    (first, begun, run_id), (second, ended, same) = told(database, tenant)
    assert (first, second, run_id) == ("workflow.http.started", "workflow.http.completed", same)
    assert (begun["action"], begun["data"], begun["workflow"]) == ("POST /price", PRICE, "price")
    assert (ended["results"]["total"], ended["duration"] > 0) == (6, True)
    assert begun["timestamp"] < ended["timestamp"]
    await all_ended(tenant)
    assert topics(database, tenant) == [first, second]
    assert told(database, other) == []
    page = await the(other, run_list)
    assert [run["source"] for run in page.items] == ["http"]


@pytest.mark.spec("SPINE-B4", "SPINE-B4.13", "CAT-B2.13")
async def test_every_way_of_writing_a_request_tells_exactly_once(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", LISTENING)
    address = f"/w/{tenant.slug}/orders"
    both = ["workflow.http.started", "workflow.http.completed"]
    expected = []
    for path, body, status in (
        ("/quiet", PRICE, 200),
        ("/later", PRICE, 200),
        ("/stepwise", PRICE, 200),
        ("/accept", {"customer": "c"}, 202),
        ("/orders", {"id": "o-1"}, 201),
        ("/orders", {"id": "o-1"}, 409),
        ("/price", {}, 422),
    ):
        reply = await request(ingress, "POST", address + path, body)
        assert reply.status == status, (path, reply.body)
        expected += [] if path == "/quiet" else both
        assert topics(database, tenant) == expected, path


async def test_credentials_in_a_body_are_not_passed_on(database, two_tenants, ingress):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", LISTENING)
    body = PRICE | {"password": "hunter2"}
    await request(ingress, "POST", f"/w/{tenant.slug}/orders/price", body)
    assert "hunter2" not in str(told(database, tenant))


@pytest.mark.spec("SPINE-B4", "SPINE-B4.13", "CAT-B2.13")
async def test_a_durable_run_tells_of_its_first_claim_and_of_its_end(database, two_tenants, worker):
    tenant, other = two_tenants
    workflow = await deployed(tenant, "orders", LISTENING)
    await start(tenant, workflow, "price", PRICE)
    await wait_for_async(lambda: in_thread(lambda: len(topics(database, tenant)) == 2))
    await start(tenant, workflow, "break", {})
    await wait_for_async(lambda: in_thread(lambda: len(topics(database, tenant)) == 4))
    ends = ("started", "completed", "started", "failed")
    assert topics(database, tenant) == [f"workflow.pipelines.{end}" for end in ends]
    runs = await all_ended(tenant)
    assert {run["state"] for run in runs if run["source"] == "message"} == {"done"}
    assert told(database, other) == []


@pytest.mark.spec("SPINE-B4.13", "CAT-B2.13")
async def test_a_run_that_was_cancelled_tells_that_it_failed(database, two_tenants):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", LISTENING)
    run_id = await start(tenant, workflow, "price", PRICE)
    await the(tenant, run_cancel, run_id=run_id, actor=tenant.actor)
    ((topic, event, about),) = told(database, tenant)
    assert (topic, event["status"], str(about)) == ("workflow.pipelines.failed", "failed", run_id)
    assert event["error"].startswith("Cancelled by")


async def test_what_follows_from_a_lifecycle_event_has_none_of_its_own(database, two_tenants, worker):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", EVERYTHING)
    first = await start(tenant, workflow, "price", PRICE)

    async def all_heard():
        page = await the(tenant, run_list)
        handled = [run for run in page.items if run["definition"].startswith("order.accepted")]
        return len(handled) == 4

    await wait_for_async(all_heard, timeout=15)
    await all_ended(tenant)
    found = told(database, tenant)
    assert sorted(topic.rpartition(".")[2] for topic, _, _ in found) == ["completed", "started"]
    assert {str(about) for _, _, about in found} == {first}
    assert (await the(tenant, run_get, run_id=first))["state"] == "done"
