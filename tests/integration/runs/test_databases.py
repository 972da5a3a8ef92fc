"""Databases of tenants: a managed SQLite file, a Postgres server of their own; and what health says of a dead one."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.tenants.operations.secrets import secret_set
from tests.integration.runs.documents import HEAD
from tests.support.own_postgres import OwnPostgres
from tests.support.runs import ended, start
from tests.support.serving import deployed, request, serving, working

pytestmark = pytest.mark.spec("CAT-B1")

TEXT = (
    HEAD
    + """\
  - {name: one, type: database.workflow, config: {driver: %(driver)s, dsn: "%(dsn)s"}}
  - name: many
    type: database.modular
    config:
      default: first
      connections: {first: {driver: %(driver)s, dsn: "%(dsn)s"}, second: {driver: sqlite, dsn: second.db}}
  - {name: health, type: health.checker}
workflows:
  http: {routes: []}
  pipelines:
    one: {steps: [%(one)s]}
    many: {steps: [%(many)s]}
    broken: {steps: [{uses: one, with: {action: query, sql: select nothing from nowhere}}]}
"""
)
HOSTILE = "x'); drop table item; --"


def steps(module, table):
    """Return the steps that make a table, and change and read its rows, as a flow list."""
    calls = [
        f'{{action: execute, sql: "create table {table} (id integer primary key, name text)"}}',
        f'{{action: insert, table: {table}, data: {{id: 1, name: "${{data.name}}"}}}}',
        f"{{action: insert, table: {table}, data: {{id: 2, name: gone}}}}",
        f'{{action: update, table: {table}, data: {{name: kept}}, where: {{name: ["${{data.name}}"], id: 1}}}}',
        f"{{action: delete, table: {table}, where: {{id: 2}}}}",
        f'{{action: insert, table: {table}, data: {{id: 3, name: "${{data.name}}"}}}}',
    ]
    read = f'{{action: query, sql: "select id, name from {table} where id > $1 order by id", args: [0]}}'
    uses = [f"{{uses: {module}, with: {call}}}" for call in calls]
    return ", ".join([*uses, f"{{name: read, uses: {module}, with: {read}}}"])


def text(driver, dsn):
    return TEXT % {"driver": driver, "dsn": dsn, "one": steps("one", "item"), "many": steps("many", "thing")}


def put(tenant, value):
    with scope(tenant.id, tenant.actor):
        secret_set(environment="prod", name="DSN", value=value, actor=tenant.actor)


EXPECTED = [{"id": 1, "name": "kept"}, {"id": 3, "name": HOSTILE}]


async def driven(tenant, workflow, name):
    """Run a pipeline and return what its last step read."""
    run = await ended(tenant, await start(tenant, workflow, name, {"name": HOSTILE}))
    assert run["state"] == "done", run["error"]
    return run["steps"][-1]["output"]["rows"]


@pytest.fixture
def server(tmp_path, settings):
    """Return a Postgres server that the deployment lets tenants reach."""
    made = OwnPostgres(tmp_path / "own")
    settings.OUTBOUND_ALLOW = [made.address]
    return made


@pytest.mark.proven("database.workflow", "postgres")
@pytest.mark.proven("database.modular", "postgres")
async def test_each_tenant_changes_and_reads_a_postgres_server_of_its_own(two_tenants, server):
    with server.up() as url:
        for tenant in two_tenants:
            with psycopg.connect(url, autocommit=True) as admin:
                admin.execute(f'create database "{tenant.slug}"')
            own = url.rpartition("/")[0] + f"/{tenant.slug}"
            await in_thread(put, tenant, own)
            workflow = await deployed(tenant, "stock", text("postgres", "${DSN}"))
            async with working():
                assert await driven(tenant, workflow, "one") == EXPECTED
                assert await driven(tenant, workflow, "many") == EXPECTED
                failed = await ended(tenant, await start(tenant, workflow, "broken", {}))
                assert (failed["state"], failed["error"]["code"]) == ("failed", "database.refused")
                assert url.partition("@")[0] not in str(failed)
            with psycopg.connect(own) as looking:
                for table in ("item", "thing"):
                    assert looking.execute(f"select id, name from {table} order by id").fetchall() == [
                        (1, "kept"), (3, HOSTILE)
                    ]  # fmt: skip


@pytest.mark.proven("database.workflow", "sqlite")
@pytest.mark.proven("database.modular", "sqlite")
async def test_each_tenant_changes_and_reads_a_file_that_any_sqlite_can_read(two_tenants, settings, tmp_path):
    settings.DATA_DIR = str(tmp_path)
    async with working():
        for tenant in two_tenants:
            workflow = await deployed(tenant, "stock", text("sqlite", "stock.db"))
            assert await driven(tenant, workflow, "one") == EXPECTED
            assert await driven(tenant, workflow, "many") == EXPECTED
            failed = await ended(tenant, await start(tenant, workflow, "broken", {}))
            assert (failed["state"], failed["error"]["code"]) == ("failed", "database.refused")
            for name, table in (("one", "item"), ("many%2efirst", "thing")):
                (file,) = (tmp_path / "databases" / str(tenant.id)).rglob(f"{name}.sqlite3")
                assert rows_of(file, table) == [(1, "kept"), (3, HOSTILE)]


def rows_of(file: Path, table):
    """Look into a file as any other program would."""
    looking = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        return looking.execute(f"select id, name from {table} order by id").fetchall()
    finally:
        looking.close()


@pytest.mark.spec("health.checker")
@pytest.mark.proven("health.checker", "postgres")
async def test_health_follows_a_server_that_goes_down_and_comes_up_again(two_tenants, server):
    tenant, other = two_tenants
    await in_thread(put, tenant, server.url)
    await deployed(tenant, "stock", text("postgres", "${DSN}"))
    await deployed(other, "stock", text("sqlite", "stock.db"))

    async def told(ingress, who):
        health, ready, live = [
            await request(ingress, "GET", f"/w/{who.slug}/stock/{path}") for path in ("health", "ready", "live")
        ]
        assert live.status == 200
        return health.json()["status"], ready.status, health.json()["checks"]["one"]["status"]

    async with serving() as ingress:
        with server.up():
            assert await told(ingress, tenant) == ("healthy", 200, "healthy")
        assert await told(ingress, tenant) == ("degraded", 503, "degraded")
        assert await told(ingress, other) == ("healthy", 200, "healthy")
        with server.up():
            assert await told(ingress, tenant) == ("healthy", 200, "healthy")
