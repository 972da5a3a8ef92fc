"""Through a pooler in transaction mode every transaction may meet another server connection, and nothing is missed."""

import asyncio

import psycopg
import pytest

from apps.engine.ids import uuid7
from apps.engine.ports import Resource
from apps.runs.adapters.clock import DatabaseClock
from apps.runs.adapters.creates import Create, CreateWriter
from apps.runs.adapters.pools import Pools
from apps.runs.adapters.rows import create_row
from apps.runs.adapters.writer import RunWriter
from tests.integration.runs.test_writer import origin_of, request_of, rows_of
from tests.support.pgbouncer import pooled

pytestmark = pytest.mark.spec("SPINE-B5")
SERVERS = """
select count(distinct pid) from pg_stat_activity
where datname = current_database() and usename = %s and application_name like 'weft-runs-%%'
"""


@pytest.fixture
def urls(database, tmp_path):
    with pooled(database, tmp_path) as found:
        yield found


def servers(database, role):
    with psycopg.connect(database.superuser_url) as admin:
        return admin.execute(SERVERS, [f"weft_test_{role}"]).fetchone()[0]


async def keep_busy(pools):
    """Use several server connections at once, so that the pooler has more than one to give."""
    async with pools.tenants(), pools.tenants(), pools.tenants():
        await asyncio.sleep(0)


async def test_rows_and_objects_of_two_tenants_are_stored_whichever_connection_is_given(database, two_tenants, urls):
    writer, creates = RunWriter(urls["relay"]), CreateWriter(urls["app"])
    writer.start()
    creates.start()
    pools = Pools(urls["app"], urls["relay"], is_pooled=True)
    await pools.open()
    origins = [origin_of(tenant.id) for tenant in two_tenants]
    for number in range(12):
        await keep_busy(pools)
        origin = origins[number % 2]
        await writer.write(request_of(origin)[1])
        run_id, row = request_of(origin)
        made = Resource("notes", str(number), {}, None, None, None)
        data = create_row(row.data, origin.tenant_id, made, b"{}", DatabaseClock().now())
        assert await creates.write(Create(origin.tenant_id, run_id, data))
        async with pools.tenant(origin.tenant_id) as connection:
            found = await connection.execute("select count(*) from runs_storedresource where key = %s", [str(uuid7())])
            assert await found.fetchone() == (0,)
    assert servers(database, "relay") == 3
    await asyncio.gather(writer.close(), creates.close(), pools.close())
    assert [len(rows_of(database, tenant.id)) for tenant in two_tenants] == [12, 12]
