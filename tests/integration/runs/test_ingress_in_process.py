"""What of the ingress can be seen from inside of its process only: its bounds, its settings, what stands behind it."""

import asyncio

import psycopg
import pytest

from apps.runs.adapters.arrivals import MOST_OF_CLIENT
from apps.runs.adapters.threads import in_thread
from tests.integration.runs.documents import GUARDED, NOTES, ORDERS
from tests.support.database import waiting_for_locks
from tests.support.serving import UNFINISHED, deployed, request, serving
from tests.support.waiting import wait_for_async

GOOD = {"qty": 3, "price": 2.5}


@pytest.mark.spec("SPINE-B5.1")
async def test_everything_else_goes_to_django(ingress):
    reply = await request(ingress, "GET", "/sign-in")
    assert (reply.status, reply.body) == (299, b"django")


@pytest.mark.spec("SPINE-B5.12")
async def test_a_document_does_not_weaken_transport_security_for_the_portal(database, two_tenants, settings):
    settings.SECURE_HSTS_SECONDS = 60
    tenant, _ = two_tenants
    await deployed(tenant, "guarded", GUARDED)
    async with serving() as ingress:
        shared = await request(ingress, "POST", f"/w/{tenant.slug}/guarded/said", {})
        alone = await request(ingress, "POST", "/guarded/said", {}, headers={"host": f"{tenant.slug}.localhost"})
    assert shared.said("strict-transport-security") == ["max-age=60; includeSubDomains"]
    assert alone.said("strict-transport-security") == ["max-age=0"]


@pytest.mark.spec("SPINE-B3", "SPINE-B5")
async def test_a_tenant_with_too_much_in_hand_is_asked_to_come_again_and_the_other_is_served(
    database, two_tenants, ingress, monkeypatch
):
    monkeypatch.setattr("apps.runs.ingress.MOST_OF_TENANT", 1)
    for tenant in two_tenants:
        await deployed(tenant, "notes", NOTES)
    addresses = [f"/w/{tenant.slug}/notes/notes" for tenant in two_tenants]
    with psycopg.connect(database.superuser_url) as someone:
        someone.execute("lock table runs_storedresource in share mode")
        waits = [asyncio.create_task(request(ingress, "POST", address, {"id": "one"})) for address in addresses]
        await wait_for_async(lambda: in_thread(lambda: waiting_for_locks(someone) == 2))
        refused = await request(ingress, "POST", addresses[0], {"id": "two"})
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert [(await reply).status for reply in waits] == [201, 201]


@pytest.mark.spec("SPINE-B3", "SPINE-B5")
async def test_a_client_that_sends_its_bodies_slowly_keeps_nobody_else_out(database, two_tenants, ingress):
    for tenant in two_tenants:
        await deployed(tenant, "orders", ORDERS)
    slow, fast = (f"/w/{tenant.slug}/orders/price" for tenant in two_tenants)
    waits = [asyncio.create_task(request(ingress, "POST", slow, UNFINISHED, client="10.9.9.9")) for _ in range(1_100)]
    replies = [(await done).status for done in asyncio.as_completed(waits[MOST_OF_CLIENT:])]
    assert set(replies) == {429}
    assert (await request(ingress, "POST", fast, GOOD)).status == 200
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
