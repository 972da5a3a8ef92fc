"""The group-commit writer stores every accepted row, keeps tenants apart and lets no bad row hurt another caller."""

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from apps.core.sealing import opened
from apps.engine.ids import uuid7
from apps.runs.adapters.creates import Create, CreateWriter
from apps.runs.adapters.rows import NewRunRow, RunOrigin, from_unix_us, request_row
from apps.runs.adapters.writer import EncodedRun, RunWriter
from apps.runs.rules.sealing import RUN_INPUT


def origin_of(tenant_id, **changes):
    given = {"source": "http", "entry": "route:POST /x", "section": "http", "route": "POST /x", **changes}
    return RunOrigin(tenant_id, uuid7(), uuid7(), uuid7(), 1, **given)


def request_of(origin, *, body=b"{}", status=200):
    run_id = uuid7()
    data = request_row(
        run_id,
        origin.encoded(),
        tenant_id=origin.tenant_id,
        failed=status >= 500,
        status=status,
        request_id=run_id.hex,
        input=body,
        output=b'{"ok":true}',
        steps=b"[]",
        started_us=1_800_000_000_000_000,
        duration_us=1500,
    )
    return run_id, EncodedRun(origin.tenant_id, data)


@pytest.fixture
async def writer(database):
    made = RunWriter(database.url("relay"))
    made.start()
    yield made
    await made.close()


def rows_of(database, tenant_id):
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute(
            "select id, state, http_status, started_at, duration_us, input, section, route from runs_run"
            " where tenant_id = %s order by id",
            [tenant_id],
        )
        return [(*row[:5], opened(row[5], tenant_id, RUN_INPUT), *row[6:]) for row in found]


@pytest.mark.spec("SPINE-B5", "SPINE-B5.5")
async def test_a_row_is_stored_when_its_write_returns(database, two_tenants, writer):
    tenant, _ = two_tenants
    run_id, row = request_of(origin_of(tenant.id), body=b'{"a":1}', status=201)
    await writer.write(row)
    assert rows_of(database, tenant.id) == [
        (run_id, "done", 201, from_unix_us(1_800_000_000_000_000), 1500, b'{"a":1}', "http", "POST /x")
    ]


@pytest.mark.spec("SPINE-B5", "SPINE-B5.5")
async def test_rows_that_arrive_together_share_few_commits(database, two_tenants, writer):
    first, second = two_tenants
    origins = [origin_of(first.id), origin_of(second.id)]
    rows = [request_of(origins[number % 2])[1] for number in range(400)]
    await asyncio.gather(*(writer.write(row) for row in rows))
    assert len(rows_of(database, first.id)) == len(rows_of(database, second.id)) == 200
    assert writer.group.groups < 40


async def test_the_same_row_sent_again_is_stored_once(database, two_tenants, writer):
    tenant, _ = two_tenants
    _, row = request_of(origin_of(tenant.id))
    await writer.write(row)
    await writer.write(row)
    assert len(rows_of(database, tenant.id)) == 1


@pytest.mark.spec("SPINE-B5", "SPINE-B5.5", "SPINE-B6.2")
async def test_an_accepted_run_gets_its_work_row_in_the_same_commit(database, two_tenants, writer):
    tenant, _ = two_tenants
    now = datetime.now(UTC)
    row = NewRunRow(
        uuid7(), origin_of(tenant.id), "waiting", now, progress=b"{}", wait_reason="missing worker", ready_at=now
    )
    await writer.write(EncodedRun(tenant.id, row.encoded(), has_work=True))
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute("select run_id, tenant_id, owner, epoch from runs_work where run_id = %s", [row.id])
        assert found.fetchall() == [(row.id, tenant.id, None, 0)]


@pytest.mark.spec("SPINE-B5", "SPINE-B5.5")
async def test_hostile_payloads_of_one_tenant_do_not_touch_the_other(database, two_tenants, writer):
    hostile, busy = two_tenants
    payloads = [b'"\\u0000"', b'"\\ud800"', b"x" * (1024 * 1024), b"\x00\xff"]
    bad_rows = [request_of(origin_of(hostile.id, action="nul \x00 and \ud800"), body=body)[1] for body in payloads]
    good_rows = [request_of(origin_of(busy.id))[1] for _ in range(200)]
    results = await asyncio.gather(
        *(writer.write(row) for pair in zip(good_rows, bad_rows * 50, strict=True) for row in pair),
        return_exceptions=True,
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert len(rows_of(database, busy.id)) == 200


async def test_only_the_caller_of_a_broken_row_gets_the_error(database, two_tenants, writer):
    first, second = two_tenants
    origins = [origin_of(first.id), origin_of(second.id)]
    rows = [request_of(origins[number % 2])[1] for number in range(40)]
    broken = EncodedRun(first.id, rows[0].data.replace(b"\x00\x00\x00\x04done", b"\x00\x00\x00\x04\xff\xff\xff\xff"))
    results = await asyncio.gather(*(writer.write(row) for row in [*rows[1:], broken]), return_exceptions=True)
    assert [isinstance(result, psycopg.Error) for result in results] == [False] * 39 + [True]
    assert len(rows_of(database, first.id)) == 19
    assert len(rows_of(database, second.id)) == 20


@pytest.mark.spec("SPINE-B5", "SPINE-B5.5")
async def test_a_group_whose_connection_breaks_is_sent_again(database, two_tenants, writer):
    tenant, _ = two_tenants
    origin = origin_of(tenant.id)
    await writer.write(request_of(origin)[1])
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'weft-runs-writer' and datname = current_database()"
        )
    await asyncio.gather(*(writer.write(request_of(origin)[1]) for _ in range(20)))
    assert len(rows_of(database, tenant.id)) == 21


@pytest.mark.spec("SPINE-B5", "SPINE-B5.5")
async def test_closing_stores_what_was_only_offered(database, two_tenants):
    tenant, _ = two_tenants
    writer = RunWriter(database.url("relay"))
    writer.start()
    origin = origin_of(tenant.id)
    for _ in range(300):
        await writer.write_later(request_of(origin)[1])
    await writer.close()
    assert len(rows_of(database, tenant.id)) == 300


@contextmanager
def without_temporary_tables(database):
    """Take the right to make temporary tables away from the serving roles."""
    name = database.name
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute(f'revoke temporary on database "{name}" from public, weft_test_app, weft_test_relay')
        try:
            yield admin
        finally:
            admin.execute(f'grant temporary on database "{name}" to public')


def connections_of(admin, name):
    found = admin.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and application_name = %s", [name]
    )
    return found.fetchone()[0]


async def test_a_connection_that_cannot_be_prepared_is_not_opened_again_and_again(database, two_tenants, writer):
    first, second = two_tenants
    creates = CreateWriter(database.url("app"))
    creates.start()
    with without_temporary_tables(database) as admin:
        for tenant in (first, second):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await writer.write(request_of(origin_of(tenant.id))[1])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await creates.write(Create(tenant.id, uuid7(), b""))
        assert connections_of(admin, "weft-runs-writer") == connections_of(admin, "weft-runs-creates") == 1
    await writer.write(request_of(origin_of(first.id))[1])
    await creates.close()
