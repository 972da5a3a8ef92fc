"""Tenants' schedules: rows that deployments rewrite and sweeps fire, each time once, whoever sweeps."""

import contextlib
import threading
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connections

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.runs.operations import firing
from apps.runs.operations.firing import schedules_claim, schedules_fire, schedules_read, schedules_release
from apps.runs.operations.sweeps import sweep_run
from apps.runs.queries.runs import run_get, run_list
from apps.runs.queries.schedules import schedule_list
from apps.workflows.operations.deployments import deployment_end
from apps.workflows.queries.deployments import deployment_list
from tests.support.runs import ended_of, the
from tests.support.serving import deploy, deployed, redeploy, working

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.4", "CAT-B2.10", "scheduler.cron")

DOCUMENT = """\
modules:
  - {name: hours, type: scheduler, config: {cronExpression: "0 * * * *"}}
  - {name: clean, type: messaging.handler}
  - {name: count, type: messaging.handler}
  - {name: bus, type: messaging.broker}
  - {name: runs, type: job.store}
workflows:
  scheduler:
    jobs:
      - {scheduler: hours, job: clean, config: {room: hall}}
  messaging:
    subscriptions:
      - {topic: cleaned, handler: count}
    producers:
      - {name: clean, forwardTo: [cleaned]}
triggers:
  schedule:
    jobs:
      - {cron: "0 0 1 1 *", workflow: elsewhere, action: go, timezone: Asia/Tokyo}
"""
HOURLY, YEARLY = "hours:clean", "trigger elsewhere go"


def change(database, statement, *values):
    with psycopg.connect(database.superuser_url) as admin:
        return admin.execute(statement, values).rowcount


def make_due(database, tenant, name=HOURLY, since="1 second"):
    """Move a schedule's next time into the past."""
    statement = "update runs_schedule set next_at = weft_now() - %s::interval where tenant_id = %s and name = %s"
    assert change(database, statement, since, tenant.id, name) == 1


def schedules(tenant, **asked):
    with scope(tenant.id, tenant.actor):
        return {row["name"]: row for row in schedule_list(**asked).items}


def runs(tenant):
    with scope(tenant.id, tenant.actor):
        return [run for run in run_list().items if run["source"] == "schedule"]


def detail(tenant):
    (run,) = runs(tenant)
    with scope(tenant.id, tenant.actor):
        return run_get(run_id=run["id"])


@pytest.fixture
def pair(database, two_tenants):
    """Two tenants with the document live, nothing due."""
    return [(tenant, deploy(tenant, "clock", DOCUMENT)) for tenant in two_tenants]


def test_a_deployment_writes_schedules_that_its_tenant_sees(pair):
    (tenant, workflow), (other, _) = pair
    found = schedules(tenant)
    assert set(found) == {HOURLY, YEARLY}
    assert found[HOURLY]["workflow"]["id"] == str(workflow.id)
    assert (found[HOURLY]["definition"], found[HOURLY]["action"]) == ("scheduler", HOURLY)
    assert (found[HOURLY]["environment"], found[HOURLY]["last_at"]) == ("prod", None)
    assert found[YEARLY]["timetable"] == "0 0 1 1 * Asia/Tokyo"
    following = datetime.fromisoformat(found[HOURLY]["next_at"])
    assert (following.minute, following.second) == (0, 0)
    assert {row["id"] for row in found.values()}.isdisjoint(row["id"] for row in schedules(other).values())
    assert schedules(tenant, environment="dev") == {}
    assert set(schedules(tenant, workflow_id=workflow.id)) == set(found)
    assert schedules(other, workflow_id=workflow.id) == {}


def test_the_list_is_paged(pair):
    tenant, _ = pair[0]
    with scope(tenant.id, tenant.actor):
        first = schedule_list(limit=1)
        second = schedule_list(limit=1, after=first.next)
    assert {first.items[0]["name"], second.items[0]["name"]} == {HOURLY, YEARLY}
    assert second.next is None


def test_what_is_due_is_fired_once_for_its_own_tenant(database, pair):
    (tenant, workflow), (other, _) = pair
    make_due(database, tenant)
    assert sweep_run("schedules") == {"fired": 1}
    assert sweep_run("schedules") == {"fired": 0}
    (run,) = runs(tenant)
    assert (run["action"], run["state"], run["workflow"]["id"]) == (HOURLY, "waiting", str(workflow.id))
    row = schedules(tenant)[HOURLY]
    assert row["last_run"] == run["id"]
    assert datetime.fromisoformat(row["next_at"]) - datetime.fromisoformat(row["last_at"]) <= timedelta(hours=1)
    assert runs(other) == []


def test_what_was_missed_is_made_up_for_by_one_run(database, pair):
    tenant, _ = pair[0]
    make_due(database, tenant, since="5 hours 10 minutes")
    assert sweep_run("schedules") == {"fired": 1}
    row = schedules(tenant)[HOURLY]
    assert datetime.fromisoformat(row["next_at"]) - datetime.fromisoformat(row["last_at"]) == timedelta(hours=1)
    assert len(runs(tenant)) == 1


@contextlib.contextmanager
def relay(database):
    """Open a connection of a sweep."""
    with psycopg.connect(database.url("relay"), autocommit=True) as connection:
        yield connection


def claimed_by(connection):
    with connection.transaction():
        return schedules_claim(connection)


def fired_by(connection, found):
    with connection.transaction():
        return schedules_fire(connection, found)["fired"]


def test_what_one_sweep_has_claimed_another_leaves_alone_until_the_claim_is_over(database, pair):
    (tenant, _), (other, _) = pair
    make_due(database, tenant)
    with relay(database) as first:
        found, left = schedules_read(claimed_by(first))
        make_due(database, other)
        assert sweep_run("schedules") == {"fired": 1}
        assert [len(runs(each)) for each in (tenant, other)] == [0, 1]
        assert (fired_by(first, found), left) == (1, [])
    assert sweep_run("schedules") == {"fired": 0}
    assert [len(runs(each)) for each in (tenant, other)] == [1, 1]


def test_a_sweep_that_outlives_its_claim_fires_nothing_a_second_time(database, pair):
    tenant, _ = pair[0]
    make_due(database, tenant)
    with relay(database) as slow:
        found, _ = schedules_read(claimed_by(slow))
        lapse(database)
        assert sweep_run("schedules") == {"fired": 1}
        assert fired_by(slow, found) == 0
        change(database, "update runs_schedule set next_at = last_at where last_at is not null")
        assert fired_by(slow, found) == 0
    assert len(runs(tenant)) == 1


def test_no_transaction_is_open_and_no_row_is_locked_while_documents_are_read(database, pair, monkeypatch):
    for tenant, _ in pair:
        make_due(database, tenant)
    seen = []
    read = firing.application_of_version

    def watched(**named):
        with psycopg.connect(database.superuser_url) as admin:
            admin.execute("select id from runs_schedule for update nowait")
            states = "select state from pg_stat_activity where application_name = 'weft-sweep-schedules'"
            seen.extend(row[0] for row in admin.execute(states))
        return read(**named)

    monkeypatch.setattr(firing, "application_of_version", watched)
    assert sweep_run("schedules") == {"fired": 2}
    assert set(seen) == {"idle"}


def test_a_version_that_is_deployed_while_the_old_one_is_read_is_the_one_that_is_fired(database, pair):
    tenant, workflow = pair[0]
    make_due(database, tenant)
    with relay(database) as sweeping:
        found, _ = schedules_read(claimed_by(sweeping))
        redeploy(tenant, workflow, DOCUMENT.replace("{room: hall}", "{room: attic}"))
        assert fired_by(sweeping, found) == 0
    assert sweep_run("schedules") == {"fired": 1}
    assert detail(tenant)["input"] == {"room": "attic"}


def test_a_document_that_cannot_be_read_by_a_fault_keeps_no_other_from_being_fired(database, pair, monkeypatch):
    (tenant, _), (other, _) = pair
    for each in (tenant, other):
        make_due(database, each)
    read = firing.application_of_version

    def faulty(**named):
        if named["tenant_id"] == tenant.id:
            raise RuntimeError("a fault")
        return read(**named)

    with monkeypatch.context() as broken:
        broken.setattr(firing, "application_of_version", faulty)
        assert [sweep_run("schedules") for _ in range(2)] == [{"fired": 1}, {"fired": 0}]
    lapse(database)
    assert sweep_run("schedules") == {"fired": 1}
    assert [len(runs(each)) for each in (tenant, other)] == [1, 1]


def test_what_there_is_no_time_to_read_is_left_to_the_next_sweep(database, pair, monkeypatch):
    for tenant, _ in pair:
        make_due(database, tenant)
    with monkeypatch.context() as hurried:
        hurried.setattr(firing, "READING_SECONDS", -1.0)
        assert sweep_run("schedules") == {"fired": 0}
    assert sweep_run("schedules") == {"fired": 2}


def lapse(database):
    """Let every claim be over."""
    change(database, "update runs_schedule set claimed_until = weft_now() where claimed_until is not null")


@pytest.mark.spec("scheduler.cron")
@pytest.mark.proven("scheduler.cron", "postgres")
def test_two_workers_that_sweep_at_once_fire_once(database, pair):
    for tenant, _ in pair:
        make_due(database, tenant)
    together = threading.Barrier(4)

    def sweep():
        try:
            with relay(database) as connection:
                together.wait(10)
                claimed = claimed_by(connection)
                lapse(database)
                found, _ = schedules_read([*claimed, *claimed_by(connection)])
                together.wait(10)
                fired_by(connection, found)
                schedules_release(connection, claimed)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    sweep_run("schedules")
    assert [len(runs(tenant)) for tenant, _ in pair] == [1, 1]


def test_a_sweep_that_is_killed_loses_nothing_and_doubles_nothing(database, pair):
    for tenant, _ in pair:
        make_due(database, tenant)
    with contextlib.closing(psycopg.connect(database.url("relay"), autocommit=True)) as dying:
        found, _ = schedules_read(claimed_by(dying))
        dying.autocommit = False
        assert schedules_fire(dying, found) == {"fired": 2}
        change(database, "select pg_terminate_backend(%s)", dying.info.backend_pid)
        with pytest.raises(psycopg.OperationalError):
            dying.execute("select 1")
    assert [runs(tenant) for tenant, _ in pair] == [[], []]
    lapse(database)
    assert sweep_run("schedules") == {"fired": 2}
    assert [len(runs(tenant)) for tenant, _ in pair] == [1, 1]


def test_a_time_that_was_fired_is_never_fired_again(database, pair):
    tenant, _ = pair[0]
    make_due(database, tenant)
    assert sweep_run("schedules") == {"fired": 1}
    change(database, "update runs_schedule set next_at = last_at where tenant_id = %s and name = %s", tenant.id, HOURLY)
    assert sweep_run("schedules") == {"fired": 0}
    row = schedules(tenant)[HOURLY]
    assert (len(runs(tenant)), row["last_run"]) == (1, runs(tenant)[0]["id"])
    assert row["next_at"] > row["last_at"]


def test_a_redeployment_keeps_what_did_not_change(database, pair):
    tenant, workflow = pair[0]
    make_due(database, tenant)
    before = schedules(tenant)
    redeploy(tenant, workflow, DOCUMENT.replace("0 0 1 1 *", "0 0 2 1 *").replace("{room: hall}", "{room: attic}"))
    after = schedules(tenant)
    kept = ("id", "next_at")
    assert [after[HOURLY][key] for key in kept] == [before[HOURLY][key] for key in kept]
    assert after[HOURLY]["version"] == before[HOURLY]["version"] + 1
    assert after[YEARLY]["id"] == before[YEARLY]["id"]
    assert after[YEARLY]["next_at"] != before[YEARLY]["next_at"]
    assert sweep_run("schedules") == {"fired": 1}
    assert detail(tenant)["input"] == {"room": "attic"}
    redeploy(tenant, workflow, DOCUMENT.partition("triggers:")[0])
    assert set(schedules(tenant)) == {HOURLY}


def test_what_is_no_longer_live_has_no_schedules(pair):
    (tenant, workflow), (other, _) = pair
    with scope(tenant.id, tenant.actor):
        (live,) = deployment_list(workflow_id=workflow.id, environment="prod", live_only=True).items
        deployment_end(deployment_id=live.id, actor=tenant.actor)
    assert schedules(tenant) == {}
    assert set(schedules(other)) == {HOURLY, YEARLY}


def test_a_schedule_that_this_build_cannot_read_is_a_failed_run_that_says_so(database, pair):
    (tenant, _), (other, _) = pair
    for each in (tenant, other):
        make_due(database, each)
    change(database, "update runs_schedule set name = 'gone' where tenant_id = %s and name = %s", tenant.id, HOURLY)
    assert sweep_run("schedules") == {"fired": 2}
    found = detail(tenant)
    assert (found["state"], found["error"]["code"]) == ("failed", "schedule.unreadable")
    assert [run["state"] for run in runs(other)] == ["waiting"]


@pytest.mark.spec("scheduler.cron")
@pytest.mark.proven("scheduler.cron", "postgres")
async def test_a_worker_fires_by_itself_and_drives_the_runs(database, two_tenants):
    tenant, other = two_tenants
    for each in two_tenants:
        await deployed(each, "clock", DOCUMENT)
    async with working():
        for name in (HOURLY, YEARLY):
            await in_thread(make_due, database, tenant, name)
        yearly, hourly = sorted(await ended_of(tenant, "schedule", 2), key=lambda run: run["definition"], reverse=True)
        done = await the(tenant, run_get, run_id=hourly["id"])
        assert (done["state"], done["input"]) == ("done", {"room": "hall"})
        assert done["output"]["success"] is True
        missing = await the(tenant, run_get, run_id=yearly["id"])
        assert (missing["state"], missing["error"]["code"]) == ("failed", "workflow.unknown")
        assert missing["input"]["trigger_time"]
        (delivered,) = await ended_of(tenant, "message", 1)
        assert delivered["definition"] == "cleaned -> count"
        page = await the(other, run_list)
        assert page.items == []


MODULAR = """\
modules:
  - name: clock
    type: scheduler.modular
    config:
      cron: "0 0 1 1 *"
      timezone: Asia/Tokyo
      jobs:
        - {name: tidy, schedule: "0 2 1 1 *", command: tidy}
        - {name: never, schedule: "0 3 1 1 *", enabled: false, command: tidy}
  - {name: pulse, type: messaging.handler}
workflows:
  scheduler: {jobs: [{scheduler: clock, job: pulse}]}
  pipelines: {tidy: {steps: [{set: {tidied: true}}]}}
"""


@pytest.mark.spec("scheduler.modular")
@pytest.mark.proven("scheduler.modular", "postgres")
async def test_a_scheduler_s_own_jobs_and_those_of_the_section_are_rows_that_a_worker_fires(database, two_tenants):
    tenant, other = two_tenants
    for each in two_tenants:
        await deployed(each, "clock", MODULAR)
    found = await in_thread(schedules, tenant)
    assert len(found) == 2
    async with working():
        for name in found:
            await in_thread(make_due, database, tenant, name)
        runs_of = await ended_of(tenant, "schedule", 2)
    assert {run["state"] for run in runs_of} == {"done"}
    outputs = [(await the(tenant, run_get, run_id=run["id"]))["output"] for run in runs_of]
    assert [each for each in outputs if "tidied" in str(each)]
    due = {row["next_at"] for row in (await in_thread(schedules, tenant)).values()}
    assert len(due) == 2
    assert (await the(other, run_list)).items == []
