"""Which tables there are, and that the table sweep finds those that are not shut."""

import psycopg
import pytest

from tests.support.database import TestDatabase
from tests.support.isolation import examples
from tests.support.table_sweep import relations, sweep_tables
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-4", "SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]

WITHOUT_TENANT = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_admin_log",
    "django_celery_beat_clockedschedule",
    "django_celery_beat_crontabschedule",
    "django_celery_beat_intervalschedule",
    "django_celery_beat_periodictask",
    "django_celery_beat_periodictasks",
    "django_celery_beat_solarschedule",
    "django_content_type",
    "django_migrations",
    "django_session",
    "runs_sweep",
    "runs_worker",
    "tenant_directory",
    "tenants_sign_in_throttle",
    "tenants_user",
}


@pytest.mark.spec("SPINE-B1.8")
def test_the_tables_without_a_tenant_are_a_written_list(database: TestDatabase) -> None:
    found = {relation.name for relation in relations(database) if relation.tenant_column is None}
    assert found == WITHOUT_TENANT


@pytest.mark.spec("SPINE-B1.8")
def test_every_table_has_an_example_and_every_example_a_table(database: TestDatabase) -> None:
    tables = {found.name for found in relations(database) if found.tenant_column and not found.is_partition}
    assert examples().rows.keys() == tables


@pytest.mark.spec("SPINE-4.5", "SPINE-B3.2")
@pytest.mark.parametrize(
    "security",
    [
        "select 1",
        "alter table planted enable row level security; create policy app on planted using (true)",
        "alter table planted enable row level security; create policy app on planted to weft_test_app "
        "using (tenant_id = current_setting('app.tenant', true)::uuid) with check (true)",
    ],
    ids=["no policy", "a policy that lets everybody in", "a policy that lets everything be written"],
)
def test_a_planted_table_that_is_not_shut_is_found(database: TestDatabase, two_tenants: Two, security: str) -> None:
    a, b = two_tenants
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute("create table planted (id uuid primary key, tenant_id uuid)")
        admin.execute("grant all on planted to weft_test_app")
        admin.execute("insert into planted values (gen_random_uuid(), %s)", [a.id])
        admin.execute(security)
        try:
            sweep = sweep_tables(database, a.id, b.id, only={"planted"})
        finally:
            admin.execute("drop table planted")
    assert sweep.breaches


@pytest.mark.spec("SPINE-4.5")
def test_a_planted_table_without_rows_is_found(database: TestDatabase, two_tenants: Two) -> None:
    a, b = two_tenants
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute("create table planted (id uuid primary key, tenant_id uuid)")
        try:
            sweep = sweep_tables(database, a.id, b.id, only={"planted"})
        finally:
            admin.execute("drop table planted")
    assert sweep.uncovered == ["table planted holds no row of A: add it to tests/support/examples"]


@pytest.mark.spec("SPINE-4.5")
def test_a_planted_grant_on_a_partition_is_found(database: TestDatabase, two_tenants: Two) -> None:
    a, b = two_tenants
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute("create table planted (id uuid) partition by range (id)")
        admin.execute("create table planted_default partition of planted default")
        admin.execute("grant select on planted_default to weft_test_app")
        try:
            sweep = sweep_tables(database, a.id, b.id, only={"planted_default"})
        finally:
            admin.execute("drop table planted")
    assert sweep.breaches == ["planted_default: SELECT granted to weft_test_app"]
