"""Tables split by day: partitions are made ahead, early rows are moved in, old days go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from apps.engine.ids import uuid7
from tests.support.database import TestDatabase

pytestmark = pytest.mark.spec("SPINE-B3")
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def id_at(day: int) -> str:
    moment = MIDNIGHT + timedelta(days=day, hours=1)
    return str(uuid7(int(moment.timestamp() * 1000)))


def day_name(day: int) -> str:
    return f"planted_p{MIDNIGHT + timedelta(days=day):%Y%m%d}"


@pytest.fixture
def planted(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("create table planted (id uuid primary key, note text) partition by range (id)")
        owner.execute("create table planted_default partition of planted default")
        yield owner
        owner.execute("drop table planted")


def partitions(owner: psycopg.Connection) -> set[str]:
    rows = owner.execute("select inhrelid::regclass::text from pg_inherits where inhparent = 'planted'::regclass")
    return {row[0] for row in rows.fetchall()}


def ensure(database: TestDatabase, ahead: int) -> None:
    with psycopg.connect(database.url("relay"), autocommit=True) as relay:
        relay.execute("select weft_partitions_ensure(%s)", [ahead])


@pytest.mark.spec("SPINE-B3.12")
def test_days_are_made_ahead_once(database: TestDatabase, planted: psycopg.Connection) -> None:
    ensure(database, 2)
    ensure(database, 2)
    assert partitions(planted) == {"planted_default", *(day_name(day) for day in range(3))}


@pytest.mark.spec("SPINE-B3.12")
def test_rows_lie_in_their_day_and_early_ones_are_moved_there(
    database: TestDatabase, planted: psycopg.Connection
) -> None:
    planted.execute("insert into planted values (%s, 'early'), (%s, 'far')", [id_at(1), id_at(30)])
    ensure(database, 2)
    planted.execute("insert into planted values (%s, 'now')", [id_at(0)])
    found = planted.execute("select tableoid::regclass::text, note from planted").fetchall()
    assert set(found) == {(day_name(1), "early"), ("planted_default", "far"), (day_name(0), "now")}


@pytest.mark.spec("SPINE-B3.12")
def test_only_days_that_are_over_are_dropped(database: TestDatabase, planted: psycopg.Connection) -> None:
    old = day_name(-3)
    planted.execute(
        f"create table {old} partition of planted for values from (weft_day_start(current_date - 3)) "
        "to (weft_day_start(current_date - 2))"
    )
    ensure(database, 0)
    with psycopg.connect(database.url("relay"), autocommit=True) as relay:
        dropped = relay.execute("select weft_partitions_drop('planted', current_date - 1)").fetchone()
        assert dropped == (1,)
        with pytest.raises(errors.RaiseException):
            relay.execute("select weft_partitions_drop('planted', current_date + 2)")
    assert partitions(planted) == {"planted_default", day_name(0)}


@pytest.mark.parametrize("call", ["weft_partitions_ensure(1)", "weft_partitions_drop('x', current_date)",
                                  "weft_expired_delete()"])  # fmt: skip
def test_only_the_relay_may_ask_for_it(database: TestDatabase, call: str) -> None:
    with psycopg.connect(database.url("app")) as app, pytest.raises(errors.InsufficientPrivilege):
        app.execute(f"select {call}")


def test_expired_rows_go(database: TestDatabase, two_tenants: object) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute(
            "insert into core_event_seen (id, tenant_id, source, event_id, expires_at) "
            "values (%s, %s, 's', 'gone', now() - interval '1 hour')",
            [str(uuid7()), str(uuid7())],
        )
        with psycopg.connect(database.url("relay"), autocommit=True) as relay:
            relay.execute("select weft_expired_delete()")
        assert admin.execute("select count(*) from core_event_seen where event_id = 'gone'").fetchone() == (0,)


@pytest.mark.spec("SPINE-B3.12")
def test_a_reference_does_not_reach_into_another_tenant(database: TestDatabase, two_tenants: object) -> None:
    a, b = two_tenants
    with psycopg.connect(database.superuser_url) as admin, pytest.raises(errors.ForeignKeyViolation):
        admin.execute(
            "insert into tenants_secret (id, tenant_id, environment_id, name, ciphertext, key_id, updated_by) "
            "values (%s, %s, %s, 'X', '', '', '')",
            [str(uuid7()), str(b.id), str(a.environments["prod"].id)],
        )
