"""The product's own sweeps do their work once, whoever asks, and leave word of it."""

import time

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.core import events
from apps.core.scope import SYSTEM, scope
from apps.engine.ids import uuid7
from apps.runs.adapters.threads import in_thread
from apps.runs.adapters.vitals import Vitals
from apps.runs.operations.sweeps import JOURNAL_TABLES, SCHEDULES, SWEEP_SECONDS, SWEEPS, sweep_run, sweeps_late
from config.metrics import metrics
from tests.support.serving import serving, working
from tests.support.waiting import wait_for_async


@pytest.mark.spec("SPINE-B6.12")
@pytest.mark.parametrize("name", sorted(SWEEP_SECONDS))
def test_a_sweep_notes_its_last_success(database, name):
    assert sweep_run(name) is not None
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute("select last_success is not null from runs_sweep where name = %s", [name])
        assert found.fetchone() == (True,)


@pytest.mark.spec("SPINE-B6.12")
def test_a_sweep_that_somebody_else_is_at_is_left_to_them(database):
    with psycopg.connect(database.url("relay")) as other:
        other.execute("select pg_advisory_xact_lock(hashtextextended('weft-sweep-outbox', 0))")
        assert sweep_run("outbox") is None


@pytest.mark.spec("SPINE-B3.12")
def test_every_table_that_is_split_by_day_is_dropped_by_day(database):
    with psycopg.connect(database.superuser_url) as admin:
        split = admin.execute("select relname from pg_class where relkind = 'p'").fetchall()
    assert {name for (name,) in split} == set(JOURNAL_TABLES)


def test_every_sweep_has_a_period():
    assert set(SWEEP_SECONDS) == {*SWEEPS, SCHEDULES}


def make_late(database, name):
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("update runs_sweep set last_success = last_success - interval '1 day' where name = %s", [name])


@pytest.mark.spec("SPINE-B6.12")
def test_a_sweep_is_late_when_its_period_has_passed_since_it_last_succeeded(database):
    for name in SWEEP_SECONDS:
        sweep_run(name)
    assert sweeps_late() == []
    make_late(database, "partitions")
    assert sweeps_late() == ["partitions"]


@pytest.mark.spec("SPINE-B6.12")
@pytest.mark.parametrize("name", ["partitions", "expired"])
async def test_a_worker_that_starts_runs_what_is_late(database, name):
    await in_thread(sweep_run, name)
    make_late(database, name)
    async with working():

        async def in_time():
            return name not in await in_thread(sweeps_late)

        await wait_for_async(in_time, what="the late sweep")


def samples(name, page):
    families = text_string_to_metric_families(page)
    return {tuple(each.labels.values()): each.value for family in families for each in family.samples
            if each.name == name}  # fmt: skip


async def scraped(rf):
    """What a web process that starts now shows at /metrics."""
    async with serving():
        answer = await in_thread(metrics, rf.get("/metrics", REMOTE_ADDR="127.0.0.1"))
    return answer.content.decode()


@pytest.fixture
def ownerless(database, two_tenants):
    """A run of one tenant that nobody drives and that says no reason."""
    tenant, _ = two_tenants
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute(
            "insert into runs_run (id, tenant_id, environment_id, workflow_id, version_id, version_number, source,"
            " entry, section, action, workflow_name, route, state, request_id, attempt, sequence, started_at)"
            " values (%s, %s, %s, %s, %s, 1, 'api', 'e', 's', '', '', '', 'running', '', 1, 1,"
            " now() - interval '1 hour')",
            [uuid7(), tenant.id, uuid7(), uuid7(), uuid7()],
        )
    yield
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("update runs_run set state = 'failed' where tenant_id = %s and state = 'running'", [tenant.id])


UNOWNED = "weft_runs_without_owner_or_reason"


@pytest.mark.spec("SPINE-B6.6")
def test_a_run_that_nobody_drives_and_that_says_no_reason_is_found(ownerless):
    assert sweep_run("invariant") == {"unowned": 1}


@pytest.mark.spec("SPINE-B6.6")
async def test_the_metrics_of_web_show_runs_without_owner_or_reason(rf, ownerless):
    assert samples(UNOWNED, await scraped(rf)) == {(): 1.0}


@pytest.mark.spec("SPINE-B6.6")
async def test_the_metrics_of_web_show_none_while_every_run_has_one(rf, two_tenants):
    assert samples(UNOWNED, await scraped(rf)) == {(): 0.0}


@pytest.mark.spec("SPINE-B6.12")
async def test_the_metrics_of_web_show_when_each_sweep_last_succeeded(database, rf):
    for name in SWEEP_SECONDS:
        await in_thread(sweep_run, name)
    page = await scraped(rf)
    with psycopg.connect(database.superuser_url) as admin:
        known = admin.execute("select name, extract(epoch from last_success)::float8 from runs_sweep").fetchall()
    assert samples("weft_sweep_last_success", page) == {(name,): pytest.approx(at) for name, at in known}
    assert samples("weft_sweep_period_seconds", page) == {(name,): at for name, at in SWEEP_SECONDS.items()}


@pytest.mark.spec("SPINE-B6.12")
async def test_a_sweep_that_never_succeeded_is_shown_as_such(database, rf):
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("delete from runs_sweep where name = 'invariant'")
    page = await scraped(rf)
    assert samples("weft_sweep_last_success", page)["invariant",] == 0


@pytest.mark.spec("SPINE-B3.12")
async def test_the_metrics_of_web_show_rows_outside_the_days_made_so_far(database, rf, two_tenants):
    tenant, _ = two_tenants
    assert samples("weft_default_partition_rows", await scraped(rf)) == {(table,): 0.0 for table in JOURNAL_TABLES}
    far = uuid7(int((time.time() + 90 * 86_400) * 1000))
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute(
            "insert into runs_message (id, tenant_id, environment_id, workflow_id, topic, payload, published_at)"
            " values (%s, %s, %s, %s, 'far', '{}', now())",
            [far, tenant.id, uuid7(), uuid7()],
        )
    page = await scraped(rf)
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("delete from runs_message where id = %s", [far])
    assert samples("weft_default_partition_rows", page)["runs_message",] == 1


def unowned_of(vitals):
    return next(family for family in vitals.collect() if family.name == UNOWNED).samples[0].value


@pytest.mark.spec("SPINE-B6.6")
def test_two_scrapes_within_a_moment_ask_the_database_once(database, request):
    patient = Vitals(database.url("relay"), SWEEP_SECONDS, remember_seconds=3600)
    eager = Vitals(database.url("relay"), SWEEP_SECONDS, remember_seconds=-1)
    assert (unowned_of(patient), unowned_of(eager)) == (0, 0)
    request.getfixturevalue("ownerless")
    assert (unowned_of(patient), unowned_of(eager)) == (0, 1)


@pytest.mark.spec("SPINE-B6.6")
def test_while_the_database_is_away_the_scrape_goes_without_it():
    assert list(Vitals("postgresql://nobody@127.0.0.1:1/none", SWEEP_SECONDS).collect()) == []


def test_the_outbox_reaches_its_listeners(database, two_tenants):
    tenant, _ = two_tenants
    heard = []
    events.after("test.rang", lambda tenant_id, payload: heard.append((tenant_id, payload["n"])))
    with scope(tenant.id, SYSTEM):
        events.publish("test.rang", n=7)
    sweep_run("outbox")
    assert (tenant.id, 7) in heard
