"""A database that was started anew: connections that broke while they lay in a pool."""

from functools import partial

import psycopg
import pytest

from apps.runs.adapters.threads import in_thread
from tests.integration.runs.documents import NOTES, ORDERS
from tests.support.serving import deployed, request
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("SPINE-B2", "SPINE-B6")
GOOD = {"qty": 3, "price": 2.5}


async def break_connections(database, condition):
    """End the server's side of all connections of this kind, as a restart of the server does."""

    def end():
        with psycopg.connect(database.superuser_url, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                f" where datname = current_database() and {condition}"
            )

    await in_thread(end)


async def test_a_request_takes_another_connection_for_one_that_broke_in_the_pool(database, two_tenants, ingress):
    addresses = [f"/w/{tenant.slug}/notes/notes" for tenant in two_tenants]
    for tenant, address in zip(two_tenants, addresses, strict=True):
        await deployed(tenant, "notes", NOTES)
        assert (await request(ingress, "GET", address)).status == 200
    await break_connections(database, "application_name = 'weft-runs-app'")
    assert [(await request(ingress, "GET", address)).status for address in addresses] == [200, 200]


async def test_an_address_that_the_database_does_not_look_up_is_to_be_asked_for_again(database, two_tenants, ingress):
    addresses = [f"/w/{tenant.slug}/orders/price" for tenant in two_tenants]
    for tenant in two_tenants:
        await deployed(tenant, "orders", ORDERS)
    await break_connections(database, "usename = 'weft_test_app' and application_name <> 'weft-runs-app'")
    refused = await request(ingress, "POST", addresses[0], GOOD)
    assert (refused.status, refused.headers["retry-after"], refused.json()["code"]) == (503, "1", "unavailable")

    async def is_answered(address):
        return (await request(ingress, "POST", address, GOOD)).status == 200

    for address in addresses:  # each of the pool's connections is found broken once
        await wait_for_async(partial(is_answered, address), what=address)
