"""A worker that is killed with -9 while it listens to a broker outside is followed by another, which loses nothing."""

import asyncio

import psycopg
import pytest

from apps.core.scope import scope
from apps.runs.queries.runs import run_get, run_list
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, consumers_of, publish_raw
from tests.support.serving import deploy
from tests.support.waiting import wait_for
from tests.support.workers import workers

DOCUMENT = """\
modules:
  - {name: post, type: messaging.nats, config: {url: "nats://%s"}}
  - {name: inbox, type: messaging.handler}
workflows:
  messaging:
    broker: post
    subscriptions:
      - {topic: parcels, handler: inbox}
"""


def owner(database, tenant):
    with psycopg.connect(database.superuser_url) as admin:
        row = admin.execute("select owner from runs_consumer where tenant_id = %s", (tenant.id,)).fetchone()
        return row and row[0]


def heard(tenant):
    with scope(tenant.id, tenant.actor):
        runs = [run_get(run_id=row["id"]) for row in run_list().items if row["source"] == "message"]
    return sorted(run["input"] for run in runs if run["state"] == "done")


@pytest.mark.slow
@pytest.mark.spec("CAT-B2", "messaging.nats")
def test_a_killed_listener_is_replaced_and_no_message_is_lost(database, two_tenants, tmp_path):
    tenant, other = two_tenants
    with nats_server() as address, workers(database, tmp_path, OUTBOUND_ALLOW="127.0.0.1") as started:
        asyncio.run(add_stream(address, "PARCELS", "parcels"))
        deploy(tenant, "post", DOCUMENT % address)
        first = started.start()
        wait_for(lambda: asyncio.run(consumers_of(address, "PARCELS")), timeout=30, what=started.printed())
        asyncio.run(publish_raw(address, "parcels", b"1"))
        wait_for(lambda: heard(tenant) == [1], timeout=30, what=f"the first message; {started.printed()}")
        before = owner(database, tenant)
        started.kill(first)
        asyncio.run(publish_raw(address, "parcels", b"2"))
        started.jump("1 minute")
        started.start()
        wait_for(lambda: heard(tenant) == [1, 2], timeout=60, what=f"the second message; {started.printed()}")
        assert owner(database, tenant) not in (None, before)
        assert heard(other) == []
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("delete from runs_consumer where tenant_id = %s", (tenant.id,))
