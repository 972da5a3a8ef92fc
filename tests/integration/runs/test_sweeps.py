"""The product's own sweeps do their work once, whoever asks, and leave word of it."""

import psycopg
import pytest

from apps.core import events
from apps.core.scope import SYSTEM, scope
from apps.engine.ids import uuid7
from apps.runs.operations.sweeps import SWEEPS, sweep_run, unowned


@pytest.mark.parametrize("name", sorted(SWEEPS))
def test_a_sweep_notes_its_last_success(database, name):
    assert sweep_run(name) is not None
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute("select last_success is not null from runs_sweep where name = %s", [name])
        assert found.fetchone() == (True,)


def test_a_sweep_that_somebody_else_is_at_is_left_to_them(database):
    with psycopg.connect(database.url("relay")) as other:
        other.execute("select pg_advisory_xact_lock(hashtextextended('weft-sweep-outbox', 0))")
        assert sweep_run("outbox") is None


@pytest.mark.spec("SPINE-2", "SPINE-B6")
def test_a_run_that_nobody_drives_and_that_says_no_reason_is_counted(database, two_tenants):
    tenant, _ = two_tenants
    sweep_run("invariant")
    before = unowned._value.get()
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute(
            "insert into runs_run (id, tenant_id, environment_id, workflow_id, version_id, version_number, source,"
            " entry, section, action, workflow_name, route, state, request_id, attempt, sequence, started_at)"
            " values (%s, %s, %s, %s, %s, 1, 'api', 'e', 's', '', '', '', 'running', '', 1, 1,"
            " now() - interval '1 hour')",
            [uuid7(), tenant.id, uuid7(), uuid7(), uuid7()],
        )
    sweep_run("invariant")
    assert unowned._value.get() == before + 1
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("update runs_run set state = 'failed' where tenant_id = %s and state = 'running'", [tenant.id])


def test_the_outbox_reaches_its_listeners(database, two_tenants):
    tenant, _ = two_tenants
    heard = []
    events.after("test.rang", lambda tenant_id, payload: heard.append((tenant_id, payload["n"])))
    with scope(tenant.id, SYSTEM):
        events.publish("test.rang", n=7)
    sweep_run("outbox")
    assert (tenant.id, 7) in heard
