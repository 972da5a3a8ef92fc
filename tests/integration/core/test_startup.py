"""What a serving process refuses to start with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections

from apps.core.startup import UnsafeDatabase, connections_wanted, refuse_unsafe_database, unsafe_reasons
from tests.support.database import TestDatabase, close_connections, point_django_at

pytestmark = pytest.mark.spec("SPINE-B3")


def codes() -> list[str]:
    return [code for code, _ in unsafe_reasons()]


@contextmanager
def changed(database: TestDatabase, change: str, back: str) -> Iterator[None]:
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute(change)
        try:
            yield
        finally:
            admin.execute(back)


@pytest.mark.spec("SPINE-B3.4")
def test_a_database_that_keeps_tenants_apart_is_served(database: TestDatabase) -> None:
    refuse_unsafe_database()
    call_command("check", deploy=True, databases=["default"], tags=["security"], fail_level="CRITICAL")


@pytest.mark.spec("SPINE-B3.4")
def test_the_owners_url_is_refused(database: TestDatabase, settings: Any) -> None:
    settings.DATABASE_OWNER_URL = database.url("owner")
    with pytest.raises(UnsafeDatabase, match="DATABASE_OWNER_URL"):
        refuse_unsafe_database()


@pytest.mark.spec("SPINE-B3.4")
def test_a_role_that_owns_tables_is_refused(database: TestDatabase, settings: Any) -> None:
    settings.DATABASE_RELAY_URL = database.url("owner")
    assert "owner" in codes()


@pytest.mark.spec("SPINE-B3.4")
def test_serving_as_the_owner_through_django_is_refused(database: TestDatabase) -> None:
    close_connections()
    mine = connections.settings["default"]
    before = mine["USER"]
    mine["USER"] = "weft_test_owner"
    del connections["default"]
    try:
        assert "owner" in codes()
    finally:
        mine["USER"] = before
        point_django_at(database)


@pytest.mark.spec("SPINE-B3.4")
def test_a_superuser_is_refused(database: TestDatabase, settings: Any) -> None:
    settings.DATABASE_RELAY_URL = database.superuser_url
    assert "bypass" in codes()


@pytest.mark.spec("SPINE-B3.4")
def test_a_role_that_can_become_another_is_refused(database: TestDatabase, settings: Any) -> None:
    make = "create role weft_test_joined login password 'x'; grant weft_test_app to weft_test_joined"
    with changed(database, make, "drop role weft_test_joined"):
        settings.DATABASE_RELAY_URL = (
            database.url("app").replace("weft_test_app", "weft_test_joined").replace("only-for-tests", "x")
        )
        assert codes() == ["member"]


@pytest.mark.spec("SPINE-B3.4")
@pytest.mark.parametrize(
    ("change", "back", "missing"),
    [
        ("disable row level security", "enable row level security", "ENABLE"),
        ("no force row level security", "force row level security", "FORCE"),
    ],
)
def test_a_tenant_table_that_is_not_shut_is_refused(
    database: TestDatabase, change: str, back: str, missing: str
) -> None:
    alter = changed(database, f"alter table core_blob {change}", f"alter table core_blob {back}")
    with alter, pytest.raises(UnsafeDatabase, match=f"core_blob lacks {missing}"):
        refuse_unsafe_database()


@pytest.mark.spec("SPINE-B3.4")
def test_a_table_with_a_tenant_and_no_policy_is_refused(database: TestDatabase) -> None:
    make = "create table planted (id uuid, tenant_id uuid); alter table planted enable row level security"
    with changed(database, make, "drop table planted"):
        assert ("table", "table planted lacks FORCE and a policy") in unsafe_reasons()


@pytest.mark.spec("SPINE-B3.4")
def test_a_granted_partition_is_refused(database: TestDatabase) -> None:
    make = (
        "create table planted (id uuid) partition by range (id); "
        "create table planted_default partition of planted default; "
        "grant select on planted_default to weft_test_app"
    )
    with changed(database, make, "drop table planted"):
        assert codes() == ["partition"]


def test_more_pools_than_the_server_bears_are_refused(database: TestDatabase, settings: Any) -> None:
    settings.DATABASE_POOL_APP = 100
    with pytest.raises(UnsafeDatabase, match="the processes may open"):
        refuse_unsafe_database(processes=10)


def test_every_connection_of_web_worker_and_beat_counts(settings: Any) -> None:
    settings.DATABASE_POOL_APP, settings.DATABASE_POOL_RELAY, settings.CELERY_WORKER_CONCURRENCY = 8, 4, 4
    before = connections_wanted()
    assert before > 2 * (8 + 4 + 8), "two processes with Django's pool and the run path's two"
    settings.DATABASE_POOL_APP += 1
    assert connections_wanted() == before + 4
    settings.CELERY_WORKER_CONCURRENCY += 1
    assert connections_wanted() == before + 5


@pytest.mark.spec("SPINE-B3.4", "SPINE-B6.11")
def test_a_clock_that_was_moved_is_refused(move_clock: Callable[[str], None], settings: Any) -> None:
    settings.TESTING = False
    move_clock("1 hour")
    assert codes() == ["clock"]


def test_the_deployment_check_says_the_same(database: TestDatabase, settings: Any) -> None:
    settings.DATABASE_OWNER_URL = "postgresql://owner"
    with pytest.raises(SystemCheckError, match=r"weft\.database\.owner-url"):
        call_command("check", deploy=True, tags=["security"])
