"""A web process that ends gives back the runs that it was at, so that a worker goes on with them at once."""

import asyncio

import psycopg
import pytest

from apps.runs.adapters.threads import in_thread
from tests.integration.runs.documents import ORDERS
from tests.support.serving import deployed, request, serving, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("SPINE-B5", "SPINE-B6")

ENOUGH_SECONDS = 10.0  # far less than a lease


def row(database, statement, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(statement, [tenant.id]).fetchone()


async def test_a_request_that_is_cut_off_goes_on_in_a_worker_without_waiting_for_its_lease(database, two_tenants):
    tenant, other = two_tenants
    for each in two_tenants:
        await deployed(each, "orders", ORDERS)
    address = f"/w/{tenant.slug}/orders/stepwise"
    async with serving() as ingress:
        with psycopg.connect(database.superuser_url) as admin:
            admin.execute("lock table runs_step in share mode")
            begun = asyncio.create_task(request(ingress, "POST", address, {"qty": 3, "price": 2.5}))
            claim = "select run_id from runs_work where tenant_id = %s and owner is not null"
            await wait_for_async(lambda: in_thread(row, database, claim, tenant), what="a claim of the request")
            begun.cancel()
            await asyncio.wait({begun})
    async with working():
        done = "select state from runs_run where tenant_id = %s and finished_at is not null"
        ended = await wait_for_async(lambda: in_thread(row, database, done, tenant), timeout=ENOUGH_SECONDS)
    assert ended == ("done",)
    assert row(database, "select count(*) from runs_run where tenant_id = %s", other) == (0,)
