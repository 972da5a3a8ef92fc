"""Rings through a broker outside come to an end, in the hosted product, each tenant's by itself."""

import psycopg
import pytest

from apps.core.scope import scope
from apps.engine.hops import MOST_HOPS
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.runs import run_get, run_list
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, consumers_of, messages_in, publish_raw
from tests.support.serving import deployed, request, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2", "messaging.nats")

RING = """
modules:
- {{name: server, type: http.server, config: {{address: ":8080"}}}}
- {{name: router, type: http.router, dependsOn: [server]}}
- {{name: post, type: messaging.nats, config: {{url: "nats://{address}"}}}}
workflows:
  http: {{routes: [{{method: POST, path: /begin, handler: again}}]}}
  pipelines: {{again: {{steps: [{{emit: "ring.{slug}.{to}"}}, {{respond: {{status: 202}}}}]}}}}
  messaging: {{broker: post, subscriptions: [{{topic: "ring.{slug}.{of}", handler: again}}]}}
"""
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _nobody_else(database):
    """Leave no consumers to other tests, whose workers would look for these servers."""
    yield
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("delete from runs_consumer")


def ends(tenant):
    """Return the errors of what was not sent on."""
    with scope(tenant.id, tenant.actor):
        found = [run_get(run_id=row["id"]) for row in run_list().items if row["state"] == "failed"]
    return [run["error"]["code"] for run in found]


async def test_a_document_that_answers_itself_and_two_that_answer_each_other_stop(settings, ingress, two_tenants):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    alone, pair = two_tenants
    with nats_server() as address:
        await add_stream(address, "RINGS", "ring.>")
        await deployed(alone, "self", RING.format(address=address, slug=alone.slug, of="a", to="a"))
        await deployed(pair, "one", RING.format(address=address, slug=pair.slug, of="a", to="b"))
        await deployed(pair, "two", RING.format(address=address, slug=pair.slug, of="b", to="a"))
        async with working():

            async def all_listen():
                return len(await consumers_of(address, "RINGS")) == 3

            await wait_for_async(all_listen, timeout=PATIENCE, what="the consumers")
            for tenant, workflow in ((alone, "self"), (pair, "one")):
                assert (await request(ingress, "POST", f"/w/{tenant.slug}/{workflow}/begin", {})).status == 202
            for tenant in two_tenants:

                async def ended(tenant=tenant):
                    return await in_thread(lambda: ends(tenant))

                assert await wait_for_async(ended, timeout=PATIENCE, what="the end") == ["broker.loop"]
            sent = await messages_in(address, "RINGS")
            for tenant in two_tenants:
                hops = [message.headers["weft-hops"] for message in sent if f".{tenant.slug}." in message.subject]
                assert hops == [str(hop) for hop in range(1, MOST_HOPS + 1)]

            await publish_raw(address, f"ring.{alone.slug}.a", b"{}")  # of a stranger, who begins at none

            async def ended_again():
                return len(await in_thread(lambda: ends(alone))) == 2

            await wait_for_async(ended_again, timeout=PATIENCE, what="the end of the second ring")
            sent = [message for message in await messages_in(address, "RINGS") if f".{alone.slug}." in message.subject]
            assert len(sent) == 2 * MOST_HOPS + 1
