"""Sweeps share a few connections, which are used again and again and replaced when they are of no use any more."""

import psycopg
import pytest

from apps.runs.adapters.sweeping import MOST_KEPT, SweepConnections

NAME = "select current_setting('application_name')"


@pytest.fixture
def made(database):
    kept = SweepConnections()
    yield kept
    kept.close()


def pid_of(made, name="weft-sweep-outbox"):
    with made.lend(name) as connection:
        assert connection.execute(NAME).fetchone() == (name,)
        return connection.info.backend_pid


def test_the_next_sweep_gets_the_connection_of_the_last_one_under_its_own_name(made):
    assert pid_of(made) == pid_of(made, "weft-sweep-schedules")


def test_what_a_sweep_set_for_its_transaction_is_gone_for_the_next_one(made):
    with made.lend("first") as connection, connection.transaction():
        connection.execute("select set_config('app.tenants', '{}', true)")
    with made.lend("second") as connection:
        assert connection.execute("select current_setting('app.tenants', true)").fetchone()[0] in (None, "")


def test_a_connection_that_the_server_ended_is_replaced(made, database):
    before = pid_of(made)
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("select pg_terminate_backend(%s, 5000)", [before])
    assert pid_of(made) != before


def test_a_connection_that_an_error_reached_is_not_kept(made):
    with pytest.raises(psycopg.errors.DivisionByZero), made.lend("first") as connection:
        connection.execute("select 1 / 0")
    assert connection.closed


def test_an_address_that_has_changed_is_asked_at_once(made, database, settings):
    before = pid_of(made)
    settings.DATABASE_RELAY_URL = database.url("relay") + "?connect_timeout=3"
    assert pid_of(made) != before


def test_no_more_than_a_few_are_kept(made):
    lent = [made.lend(f"sweep-{number}") for number in range(MOST_KEPT + 1)]
    opened = [each.__enter__() for each in lent]
    assert len({connection.info.backend_pid for connection in opened}) == MOST_KEPT + 1
    for each in lent:
        each.__exit__(None, None, None)
    assert [connection.closed for connection in opened].count(True) == 1
