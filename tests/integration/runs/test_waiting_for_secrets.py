"""What hangs on secrets besides requests: timetables follow them, and runs wait for them without being worn out."""

from datetime import datetime

import psycopg
import pytest

from apps.runs.adapters.threads import in_thread
from apps.runs.operations import driving
from apps.runs.operations.sweeps import sweep_run
from apps.runs.queries.runs import run_get, run_list
from apps.runs.queries.schedules import schedule_list
from tests.integration.runs.test_settled_secrets import FIRST, SECOND, answer, asked, both
from tests.support.runs import ended, ended_of, start, the
from tests.support.secrets import put_secrets
from tests.support.serving import deployed, request, serving, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2.15")

CLOCK = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: hours, type: scheduler, config: {cronExpression: "${WHEN}"}}
- {name: zones, type: scheduler.modular, config: {cron: "0 12 * * *", timezone: "${ZONE}"}}
- {name: steady, type: scheduler, config: {cronExpression: "30 * * * *"}}
- {name: work, type: messaging.handler}
workflows:
  scheduler:
    jobs:
    - {scheduler: hours, job: work}
    - {scheduler: zones, job: work}
    - {scheduler: steady, job: work}
"""
MINUTES, NOON, STEADY = "hours:work", "zones:work", "steady:work"


async def schedules(tenant):
    rows = (await the(tenant, schedule_list)).items
    return {row["name"]: (row["timetable"], datetime.fromisoformat(row["next_at"])) for row in rows}


async def clocks(two_tenants):
    for tenant in two_tenants:
        await put_secrets(tenant, WHEN="15 * * * *", ZONE="Asia/Tokyo", OTHER="x")
        await deployed(tenant, "clock", CLOCK)


@pytest.mark.spec("scheduler.cron", "scheduler.modular", "CAT-B2.4")
async def test_the_next_time_of_a_job_follows_the_secret_that_its_timetable_is_made_of(two_tenants):
    first, second = two_tenants
    await clocks(two_tenants)
    before, others = await schedules(first), await schedules(second)
    assert (before[MINUTES][0], before[MINUTES][1].minute) == ("15 * * * *", 15)
    assert (before[NOON][0], before[NOON][1].hour) == ("0 12 * * * Asia/Tokyo", 3)
    await put_secrets(first, WHEN="45 * * * *", ZONE="Asia/Kolkata")
    after = await schedules(first)
    assert (after[MINUTES][0], after[MINUTES][1].minute) == ("45 * * * *", 45)
    assert (after[NOON][1].hour, after[NOON][1].minute) == (6, 30)
    assert after[STEADY] == before[STEADY]
    assert await schedules(second) == others


@pytest.mark.spec("scheduler.cron")
async def test_a_job_that_is_overdue_stays_so_when_another_secret_changes(database, two_tenants):
    first, _ = two_tenants
    await clocks(two_tenants)
    await in_thread(overdue, database, first)
    before = await schedules(first)
    await put_secrets(first, OTHER="y", ZONE="UTC")
    after = await schedules(first)
    assert (after[MINUTES], after[STEADY]) == (before[MINUTES], before[STEADY])
    assert await in_thread(sweep_run, "schedules") == {"fired": 2}


@pytest.mark.spec("scheduler.cron")
@pytest.mark.parametrize("value", [None, "every now and then"])
async def test_a_job_that_comes_due_while_its_secret_is_wrong_is_a_failed_run_and_the_clock_goes_on(
    database, two_tenants, value
):
    first, second = two_tenants
    await clocks(two_tenants)
    await put_secrets(first, WHEN=value)
    await in_thread(overdue, database, first)
    await in_thread(overdue, database, second)
    assert await in_thread(sweep_run, "schedules") == {"fired": 4}
    for tenant, states in ((first, ["failed", "failed"]), (second, ["waiting", "waiting"])):
        runs = [run for run in (await the(tenant, run_list)).items if run["source"] == "schedule"]
        assert [run["state"] for run in runs] == states
    again = await schedules(first)
    await put_secrets(first, WHEN="45 * * * *")
    assert (await schedules(first))[MINUTES][1].minute == 45
    assert (await schedules(first))[STEADY] == again[STEADY]


def overdue(database, tenant):
    """Move the times of two jobs into the past."""
    statement = (
        "update runs_schedule set next_at = date_trunc('minute', weft_now()) - interval '1 minute'"
        " where tenant_id = %s and name = any(%s)"
    )
    with psycopg.connect(database.superuser_url) as admin:
        assert admin.execute(statement, (tenant.id, [MINUTES, STEADY])).rowcount == 2


async def test_runs_that_wait_for_a_secret_are_not_worn_out_by_it(database, two_tenants, monkeypatch, caplog):
    first, second = two_tenants
    workflow, others = await both(two_tenants)
    run_id = await start(first, workflow, "later", {})
    await put_secrets(first, STATUS=None)
    async with serving() as ingress, working() as worker:
        for turn in range(1, 5):
            await in_thread(make_due, database, run_id)
            worker.ring()

            async def was_taken(turn=turn):
                return await in_thread(work, database, run_id) == (turn, 0)

            await wait_for_async(was_taken, timeout=20, what=f"claim {turn}")
        assert (await asked(ingress, first))[0] == 503
        assert await asked(ingress, second) == answer(SECOND)
        elsewhere = await start(second, others, "later", {})
        assert (await ended(second, elsewhere))["state"] == "done"
        assert (await the(first, run_get, run_id=run_id))["state"] == "waiting"

        await put_secrets(first, STATUS="203")
        with monkeypatch.context() as patched:
            patched.setattr(driving.Drive, "go", fault)
            await in_thread(make_due, database, run_id)
            worker.ring()

            async def has_crashed():
                return "run.driver_failed" in caplog.text

            await wait_for_async(has_crashed, timeout=20, what="a crash")
        assert (await the(first, run_get, run_id=run_id))["state"] == "waiting"  # one crash is not many
        await in_thread(make_due, database, run_id)
        worker.ring()
        assert (await ended(first, run_id))["state"] == "done"
        assert (await asked(ingress, first)) == answer(FIRST | {"STATUS": "203"})
    assert "run.poison" not in caplog.text
    assert "worker.turn_failed" not in caplog.text


EVENTS = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: answer, type: http.handler, config: {status: "${STATUS}", body: ok}}
- {name: bus, type: messaging.broker}
workflows:
  http: {routes: [{method: POST, path: /tell, handler: tell}]}
  pipelines:
    tell: {steps: [{emit: orders, payload: "${data}"}]}
    pack: {steps: [{name: packed, set: {order: "${data.order}"}}]}
triggers:
  event: {subscriptions: [{topic: orders, event: paid, workflow: pack, action: go}]}
"""


@pytest.mark.parametrize("value", [None, "every now and then"])
async def test_a_message_waits_while_a_secret_keeps_the_document_from_saying_which_run_it_becomes(
    database, two_tenants, caplog, value
):
    first, second = two_tenants
    for tenant in two_tenants:
        await put_secrets(tenant, STATUS="201")
        await deployed(tenant, "events", EVENTS)
    async with serving() as ingress:
        for tenant in two_tenants:
            for order in (1, 2):
                told = await request(ingress, "POST", f"/w/{tenant.slug}/events/tell", {"type": "paid", "order": order})
                assert told.status < 300
    await put_secrets(first, STATUS=value)
    async with working() as worker:
        assert [run["state"] for run in await ended_of(second, "trigger", 2)] == ["done", "done"]

        async def was_postponed():
            return await in_thread(postponed_lanes, database, first) == 1

        await wait_for_async(was_postponed, timeout=20, what="a lane that waits")
        assert "lane.document_refused" in caplog.text
        assert [run["source"] for run in (await the(first, run_list)).items] == ["http", "http"]

        await put_secrets(first, STATUS="203")
        await in_thread(postponed_lanes, database, first, until="now")
        worker.ring()
        runs = [await the(first, run_get, run_id=run["id"]) for run in await ended_of(first, "trigger", 2)]
    assert [(run["state"], run["output"]["order"]) for run in runs] == [("done", 1), ("done", 2)]


def postponed_lanes(database, tenant, until="later"):
    """Count the tenant's lanes that are to be looked at later, or have them looked at now."""
    with psycopg.connect(database.superuser_url) as admin:
        if until == "now":
            admin.execute("update runs_lane set ready_at = weft_now() where tenant_id = %s", [tenant.id])
        later = "select count(*) from runs_lane where tenant_id = %s and ready_at > weft_now()"
        return admin.execute(later, [tenant.id]).fetchone()[0]


async def fault(_):
    raise ZeroDivisionError


def make_due(database, run_id):
    """End the lease of whoever has the run."""
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute(
            "update runs_work set ready_at = weft_now(), lease_until = weft_now() where run_id = %s", [run_id]
        )


def work(database, run_id):
    """Return how often the run was claimed, and the crashes that are held against it."""
    with psycopg.connect(database.superuser_url) as admin:
        return admin.execute("select epoch, crashes from runs_work where run_id = %s", [run_id]).fetchone()
