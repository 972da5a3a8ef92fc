"""Accepted runs are driven to their end by a worker, whatever happens to the bell; messages keep their order."""

from uuid import UUID

import orjson
import psycopg
import pytest

from apps.core.sealing import opened
from apps.engine.ids import uuid7
from apps.engine.run.decide import MOST_CRASHES
from apps.runs.adapters.threads import in_thread
from apps.runs.errors import RunNotRetryable
from apps.runs.operations import driving
from apps.runs.operations.messages import dead_letter_replay
from apps.runs.operations.runs import run_cancel, run_retry, run_start
from apps.runs.queries.messages import dead_letter_list
from apps.runs.queries.runs import run_events, run_get, run_list
from apps.runs.rules.sealing import RUN_INPUT
from tests.integration.runs.documents import ORDERS
from tests.support.runs import ended, start, the
from tests.support.serving import deployed, request, working
from tests.support.waiting import wait_for_async

JOBS = """
modules: [{name: hours, type: scheduler.cron, config: {cronExpression: "0 0 1 1 *"}}]
workflows:
  scheduler: {jobs: [{scheduler: hours, job: halve}]}
  pipelines:
    halve: {steps: [{set: {sum: 4}}, {name: half, set: {half: "${data.sum / data.by}"}}]}
"""


def left_over(database, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute("select count(*) from runs_work where tenant_id = %s", [tenant.id]).fetchone()[0]


@pytest.mark.spec("SPINE-B6", "SPINE-B6.1")
async def test_an_accepted_run_is_driven_to_its_end(database, two_tenants, worker):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run = await ended(tenant, await start(tenant, workflow, "price", {"qty": 100, "price": 2.0}))
    assert (run["state"], run["output"]["total"], run["output"]["size"]) == ("done", 200.0, "big")
    assert [step["name"] for step in run["steps"]][-1] == "big"
    assert {step["state"] for step in run["steps"]} == {"done"}
    assert run["wait"] is None
    assert left_over(database, tenant) == 0


@pytest.mark.spec("SPINE-B6", "SPINE-B6.1")
async def test_a_worker_looks_by_itself_when_no_bell_has_rung(database, two_tenants):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    with psycopg.connect(database.superuser_url) as admin:
        later = "update runs_work set ready_at = now() + interval '1 s' where tenant_id = %s"
        assert admin.execute(later, [tenant.id]).rowcount == 1
    async with working():
        assert (await ended(tenant, run_id))["state"] == "done"


@pytest.mark.spec("SPINE-B6", "SPINE-B8.8")
async def test_each_step_of_a_run_tells_what_it_was_given(two_tenants, worker):
    tenant, other = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run = await ended(tenant, await start(tenant, workflow, "price", {"qty": 2, "price": 1.5, "token": "t"}))
    given = {step["name"]: step["input"] for step in run["steps"]}
    assert given["total"] == {"qty": 2, "price": 1.5, "token": "[redacted]"}
    assert given["size"] == {**given["total"], "total": 3.0}
    told = await ended(tenant, await start(tenant, workflow, "accept", {"customer": "Ada"}))
    assert {step["name"]: step["input"] for step in told["steps"]}["tell"] == {"customer": "Ada"}
    assert (await the(other, run_list)).items == []


@pytest.mark.spec("SPINE-B6", "SPINE-B6.5", "SPINE-B6.1")
async def test_a_run_waits_with_a_reason_until_there_is_a_worker(database, two_tenants):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run = await the(tenant, run_get, run_id=await start(tenant, workflow, "price", {"qty": 1, "price": 1}))
    assert (run["state"], run["wait"]["reason"]) == ("waiting", "missing worker")
    assert run["wait"]["since"] is not None
    assert run["wait"]["for"]


@pytest.mark.spec("SPINE-B4", "SPINE-B6", "SPINE-B4.11")
async def test_a_trigger_accepts_and_the_caller_may_wait_for_the_result(database, two_tenants, ingress, worker):
    tenant, _ = two_tenants
    await deployed(tenant, "orders", ORDERS)
    accepted = await request(ingress, "POST", f"/w/{tenant.slug}/orders/start", {"qty": 2, "price": 4})
    assert accepted.status == 202
    run = await ended(tenant, UUID(accepted.json()["runId"]))
    assert run["output"]["total"] == 8
    waited = await request(ingress, "POST", f"/w/{tenant.slug}/orders/start?wait=8s", {"qty": 2, "price": 4})
    assert (waited.status, waited.json()["state"], waited.json()["output"]["total"]) == (200, "done", 8)


@pytest.mark.spec("SPINE-B6", "SPINE-B7.5")
async def test_a_failed_run_can_be_tried_again_and_a_finished_one_cannot_be_cancelled(database, two_tenants, worker):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "break", {})
    failed = await ended(tenant, run_id)
    assert (failed["state"], failed["error"]["step"]) == ("failed", "check")
    await the(tenant, run_retry, run_id=run_id, actor=tenant.actor)
    again = await ended(tenant, run_id)
    assert (again["state"], again["attempt"]) == ("failed", 2)
    with pytest.raises(Exception, match="failed"):
        await the(tenant, run_cancel, run_id=run_id, actor=tenant.actor)


@pytest.mark.spec("SPINE-B6", "scheduler.cron")
async def test_a_job_that_failed_in_its_pipeline_is_tried_again_there_with_what_it_had(two_tenants, worker):
    tenant, other = two_tenants
    workflow = await deployed(tenant, "jobs", JOBS)
    run_id = await start(tenant, workflow, "hours:halve", {"by": 0})
    failed = await ended(tenant, run_id)
    assert (failed["state"], failed["error"]["step"]) == ("failed", "handle/half")
    await the(tenant, run_retry, run_id=run_id, actor=tenant.actor)
    again = await ended(tenant, run_id)
    assert (again["state"], again["attempt"], again["error"]) == ("failed", 2, failed["error"])
    given = {step["name"]: step["input"] for step in again["steps"]}
    assert given["handle/half"] == {"by": 0, "sum": 4}
    assert (await the(other, run_list)).items == []


@pytest.mark.spec("SPINE-B6", "SPINE-B6.10")
async def test_cancelling_ends_a_run_without_asking_a_worker(database, two_tenants):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    run = await the(tenant, run_cancel, run_id=run_id, actor=tenant.actor)
    assert (run["state"], run["error"]["code"]) == ("cancelled", "run.cancelled")
    assert left_over(database, tenant) == 0


@pytest.mark.spec("SPINE-B6", "SPINE-B6.14", "SPINE-B6.15")
@pytest.mark.spec("messaging.broker")
@pytest.mark.proven("messaging.broker", "postgres")
async def test_messages_of_one_key_are_handled_in_order_and_all_of_them(database, two_tenants, ingress, worker):
    tenant, other = two_tenants
    await deployed(tenant, "orders", ORDERS)
    await deployed(other, "orders", ORDERS)
    for number in range(12):
        body = {"n": number, "customer": f"c{number % 2}"}
        reply = await request(ingress, "POST", f"/w/{tenant.slug}/orders/accept", body)
        assert reply.status == 202

    def handled():
        with psycopg.connect(database.superuser_url) as connection:
            found = connection.execute(
                "select input, workflow_name, finished_at from runs_run"
                " where tenant_id = %s and source = 'message' and state = 'done' order by finished_at",
                [tenant.id],
            ).fetchall()
        return [(str(orjson.loads(opened(given, tenant.id, RUN_INPUT))["n"]), name, at) for given, name, at in found]

    async def all_handled():
        found = await in_thread(handled)
        return found if len(found) == 24 else None

    rows = await wait_for_async(all_handled, timeout=15)
    in_lanes = [int(n) for n, name, _ in rows if "count" in name]
    assert [n for n in in_lanes if n % 2 == 0] == [0, 2, 4, 6, 8, 10]
    assert [n for n in in_lanes if n % 2 == 1] == [1, 3, 5, 7, 9, 11]
    assert sorted(int(n) for n, name, _ in rows if "glance" in name) == list(range(12))
    page = await the(other, run_list)
    assert page.items == []


@pytest.mark.spec("SPINE-B6", "SPINE-B6.14")
@pytest.mark.spec("messaging.broker")
@pytest.mark.proven("messaging.broker", "postgres")
async def test_a_message_that_cannot_be_handled_is_a_dead_letter_and_goes_to_the_end_when_replayed(
    database, two_tenants, worker
):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    data = {"message": {"n": 1}}
    await the(
        tenant,
        run_start,
        workflow_id=workflow.id,
        environment="prod",
        workflow="messaging",
        action="order.broken",
        data=data,
        actor=tenant.actor,
    )

    async def dead(replays):
        page = await the(tenant, dead_letter_list)
        return page.items if page.items and page.items[0]["replays"] == replays else None

    letters = await wait_for_async(lambda: dead(0))
    assert letters[0]["topic"] == "order.broken"
    assert letters[0]["error"]["step"].endswith("check")
    await the(tenant, dead_letter_replay, delivery_id=letters[0]["id"], actor=tenant.actor)
    assert len(await wait_for_async(lambda: dead(1))) == 1


@pytest.mark.spec("SPINE-B8", "SPINE-5", "SPINE-B8.10")
async def test_events_lead_from_an_older_state_to_the_newer_one(database, two_tenants, worker):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    run = await ended(tenant, run_id)
    events = await the(tenant, run_events, run_id=run_id, after=1)
    assert [event["sequence"] for event in events] == sorted({event["sequence"] for event in events})
    assert [event["event"]["step"] for event in events[:-1]] == run["steps"]
    assert events[-1]["event"]["run"]["state"] == run["state"]
    assert await the(tenant, run_events, run_id=run_id, after=run["sequence"]) == []


@pytest.mark.spec("D23")
async def test_a_handler_that_publishes_to_its_own_topic_does_not_wait_for_itself(
    database, two_tenants, ingress, worker
):
    tenant, _ = two_tenants
    echo = ORDERS.replace(
        "- {name: counted, set: {counted: true}}",
        "- {name: more, if: 'data.n < 3', then: [{name: echo, emit: order.accepted, payload: {n: '${data.n + 1}'}}]}",
    )
    await deployed(tenant, "orders", echo)
    await request(ingress, "POST", f"/w/{tenant.slug}/orders/accept", {"n": 1})

    async def all_done():
        page = await the(tenant, run_list)
        handled = [run for run in page.items if run["source"] == "message" and "count" in run["definition"]]
        return len(handled) == 3 and {run["state"] for run in handled} == {"done"}

    await wait_for_async(all_done)


def damaged(database, run_id, tenant, **work):
    """Make a run's state unreadable, as if its last owner had fallen silent so many times."""
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("update runs_run set progress = '{}' where id = %s and tenant_id = %s", [run_id, tenant.id])
        connection.execute(
            "update runs_work set owner = %s, crashes = %s, ready_at = weft_now() where run_id = %s",
            [uuid7(), work["crashes"], run_id],
        )


@pytest.mark.spec("SPINE-B6")
async def test_a_run_that_no_driver_survives_is_failed_as_poison_in_the_end(database, two_tenants, caplog):
    tenant, other = two_tenants
    workflow, others = await deployed(tenant, "orders", ORDERS), await deployed(other, "orders", ORDERS)
    young, old = [await start(tenant, workflow, "price", {"qty": 1, "price": 1}) for _ in range(2)]
    well = await start(other, others, "price", {"qty": 1, "price": 1})
    await in_thread(damaged, database, young, tenant, crashes=3)
    await in_thread(damaged, database, old, tenant, crashes=MOST_CRASHES)
    async with working():
        run = await ended(tenant, old)
        assert (await ended(other, well))["state"] == "done"
    assert (run["state"], run["error"]["code"]) == ("failed", "run.poison")
    assert (await the(tenant, run_get, run_id=young))["state"] == "waiting"
    with pytest.raises(RunNotRetryable, match="not known"):
        await the(tenant, run_retry, run_id=old, actor=tenant.actor)
    assert left_over(database, tenant) == 1
    assert "run.driver_failed" in caplog.text


async def test_a_fault_of_the_driver_itself_fails_the_run_and_it_may_be_tried_again(database, two_tenants, monkeypatch):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})

    def beside_itself(*_):
        raise ZeroDivisionError

    def taken_often():
        with psycopg.connect(database.superuser_url) as connection:
            values = [uuid7(), MOST_CRASHES, run_id]
            connection.execute("update runs_work set owner = %s, crashes = %s where run_id = %s", values)

    await in_thread(taken_often)
    with monkeypatch.context() as patched:
        patched.setattr(driving, "decide", beside_itself)
        async with working():
            run = await ended(tenant, run_id)
    assert (run["state"], run["error"]["code"]) == ("failed", "run.poison")
    await the(tenant, run_retry, run_id=run_id, actor=tenant.actor)
    async with working():
        assert (await ended(tenant, run_id))["state"] == "done"
