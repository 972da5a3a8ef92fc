"""Brokers outside, in the hosted product: what is published leaves, what comes becomes a run, whoever the worker is."""

import asyncio

import psycopg
import pytest

from apps.core.scope import scope
from apps.engine.feeds import Arrival
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.consumers import HostedKeeper, LeaseGone
from apps.runs.queries.runs import run_get, run_list
from apps.workflows.operations.deployments import deployment_end
from apps.workflows.queries.deployments import deployment_list
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_records import put_record, records_of
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, consumers_of, messages_in, publish_raw
from tests.support.serving import deployed, redeploy, request, working
from tests.support.waiting import wait_for_async

pytestmark = [pytest.mark.spec("CAT-B2"), pytest.mark.spec("messaging.nats")]

DOCUMENT = """
modules:
- {{name: server, type: http.server, config: {{address: ":8080"}}}}
- {{name: router, type: http.router, dependsOn: [server]}}
- {{name: post, type: {broker}}}
- {{name: inbox, type: messaging.handler}}
workflows:
  http:
    routes:
    - {{method: POST, path: /parcels, handler: announce}}
  pipelines:
    announce:
      steps:
      - {{emit: "parcels.{slug}.new", key: "${{data.number}}"}}
      - respond: {{status: 202}}
  messaging:
    broker: post
    subscriptions:
    - {{topic: "{topic}", handler: inbox}}
"""
PATIENCE = 75.0  # longer than a broker waits before it delivers again what one that died had taken


@pytest.fixture
async def server():
    with nats_server() as address:
        await add_stream(address, "PARCELS", "parcels.>")
        yield address


@pytest.fixture
def reachable(settings):
    """Let workers reach this machine."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]


@pytest.fixture(autouse=True)
def _nobody_else(database):
    """Leave no consumers to other tests, whose workers would look for these servers."""
    yield
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("delete from runs_consumer")


def document(tenant, address, topic="parcels.{slug}.heard"):
    broker = f'messaging.nats, config: {{url: "nats://{address}"}}'
    return DOCUMENT.format(broker=broker, slug=tenant.slug, topic=topic.format(slug=tenant.slug))


def listed(tenant, handler="inbox"):
    """Return the runs of a handler with what they did, oldest first."""
    with scope(tenant.id, tenant.actor):
        found = [run_get(run_id=row["id"]) for row in run_list().items if row["source"] == "message"]
    return [run for run in found if run["definition"].rpartition(" ")[2] == handler][::-1]


async def handled(tenant, count=1, handler="inbox"):
    """Wait until a handler has had so many messages, and return its runs."""

    async def ended():
        found = await in_thread(lambda: listed(tenant, handler))
        return found if len(found) >= count and all(run["state"] in ("done", "failed") for run in found) else None

    return await wait_for_async(ended, timeout=PATIENCE, what=f"{count} messages for {handler}")


async def listening(address, count, stream="PARCELS"):
    """Wait until so many durable consumers of a stream are there."""

    async def there():
        found = await consumers_of(address, stream)
        return found if len(found) == count else None

    return await wait_for_async(there, timeout=PATIENCE, what=f"{count} consumers")


async def settled(address, count):
    """Wait until nothing is left to be acknowledged."""

    async def nothing():
        return all(each.num_ack_pending == each.num_pending == 0 for each in await consumers_of(address, "PARCELS"))

    return await wait_for_async(nothing, timeout=PATIENCE, what="everything acknowledged")


def owners(database):
    with psycopg.connect(database.superuser_url) as admin:
        return [row[0] for row in admin.execute("select owner from runs_consumer order by id")]


@pytest.mark.spec("CAT-B1")
async def test_what_each_tenant_publishes_is_on_the_stream_once(reachable, server, ingress, two_tenants):
    for tenant in two_tenants:
        await deployed(tenant, "post", document(tenant, server))
        answer = await request(ingress, "POST", f"/w/{tenant.slug}/post/parcels", {"number": "7"})
        assert answer.status == 202
    async with working():
        for tenant in two_tenants:
            (run,) = await handled(tenant, handler="post")
            assert (run["state"], run["output"]["stream"]) == ("done", "PARCELS")
    found = await messages_in(server, "PARCELS")
    assert sorted(message.subject for message in found) == sorted(f"parcels.{each.slug}.new" for each in two_tenants)
    assert {message.data for message in found} == {b'{"number":"7"}'}
    assert len({message.headers["weft-message-id"] for message in found}) == 2


@pytest.mark.spec("CAT-B1")
async def test_what_comes_is_a_run_of_the_tenant_that_listens_and_of_nobody_else(reachable, server, two_tenants):
    ann, bob = two_tenants
    for tenant in two_tenants:
        await deployed(tenant, "post", document(tenant, server))
    async with working():
        await listening(server, 2)
        for number in (1, 2, 3):
            await publish_raw(server, f"parcels.{ann.slug}.heard", b'{"n":%d}' % number)
        runs = await handled(ann, 3)
        await settled(server, 2)
    assert [run["input"] for run in runs] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert {run["action"] for run in runs} == {f"parcels.{ann.slug}.heard"}
    assert await in_thread(lambda: listed(bob)) == []


async def test_what_came_while_no_worker_was_there_is_not_lost(reachable, server, two_tenants):
    tenant, _ = two_tenants
    await deployed(tenant, "post", document(tenant, server))
    async with working():
        await listening(server, 1)
    await publish_raw(server, f"parcels.{tenant.slug}.heard", b"1")
    async with working():
        assert [run["input"] for run in await handled(tenant)] == [1]


async def test_a_redeployment_leaves_no_old_consumer_and_loses_nothing(reachable, server, database, two_tenants):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "post", document(tenant, server))
    async with working():
        await listening(server, 1)
        for number in range(3):
            await publish_raw(server, f"parcels.{tenant.slug}.heard", b"%d" % number)
            text = document(tenant, server) + f"# {number}\n"
            await in_thread(lambda text=text: redeploy(tenant, workflow, text))
        runs = await handled(tenant, 3)
        assert [run["input"] for run in runs] == [0, 1, 2]
        elsewhere = document(tenant, server, topic="parcels.{slug}.elsewhere")
        await in_thread(lambda: redeploy(tenant, workflow, elsewhere))
        await listening(server, 2)
        await publish_raw(server, f"parcels.{tenant.slug}.heard", b'"late"')
        await publish_raw(server, f"parcels.{tenant.slug}.elsewhere", b'"new"')
        assert [run["input"] for run in await handled(tenant, 4)] == [0, 1, 2, "new"]
        await in_thread(lambda: _end(tenant))
        assert owners(database) == []


def _end(tenant):
    with scope(tenant.id, tenant.actor):
        (live,) = [row for row in deployment_list().items if row.is_live]
        deployment_end(deployment_id=live.id, actor=tenant.actor)


async def test_of_two_workers_one_listens_and_the_other_follows_it(reachable, server, database, two_tenants):
    tenant, _ = two_tenants
    await deployed(tenant, "post", document(tenant, server))
    async with working() as second:
        async with working() as first:
            await listening(server, 1)
            (owner,) = owners(database)
            assert owner in (first.services.owner, second.services.owner)
            await publish_raw(server, f"parcels.{tenant.slug}.heard", b"1")
            await handled(tenant)
        await publish_raw(server, f"parcels.{tenant.slug}.heard", b"2")
        assert [run["input"] for run in await handled(tenant, 2)] == [1, 2]
        assert owners(database) == [second.services.owner]


async def test_a_worker_whose_lease_is_gone_takes_nothing_in(reachable, server, database, two_tenants):
    tenant, _ = two_tenants
    await deployed(tenant, "post", document(tenant, server))
    async with working() as worker:
        await listening(server, 1)
        (held,) = worker._consumers._held.values()
        place = await worker.services.live_place(tenant.id, held.consumer.environment_id, held.consumer.workflow_id)
        (feed,) = place.application.feeds
        keeper = HostedKeeper(worker.services, place, feed, held.consumer, worker.ring)
        arrival = Arrival(f"~from.post.parcels.{tenant.slug}.heard", 1, None, "m-1")
        await keeper.keep([arrival, arrival])
        await keeper.keep([arrival])
        with psycopg.connect(database.superuser_url) as admin:
            admin.execute("update runs_consumer set owner = gen_random_uuid()")
        with pytest.raises(LeaseGone):
            await keeper.keep([Arrival(arrival.topic, 2, None, "m-2")])
        assert [run["input"] for run in await handled(tenant)] == [1]


async def test_a_message_that_is_too_large_is_a_failed_run_and_the_next_one_comes(reachable, server, two_tenants):
    tenant, _ = two_tenants
    await deployed(tenant, "post", document(tenant, server))
    async with working():
        await listening(server, 1)
        topic = f"parcels.{tenant.slug}.heard"
        await publish_raw(server, topic, b"\x00" * 900_000)  # as base64 it is more than a message may be
        await publish_raw(server, topic, b"2")
        assert [run["input"] for run in await handled(tenant)] == [2]
        (refused,) = await handled(tenant, handler="post")
        assert (refused["state"], refused["error"]["code"]) == ("failed", "payload.too_large")


@pytest.mark.spec("D29")
async def test_a_server_on_a_private_address_is_neither_published_to_nor_heard(server, settings, ingress, two_tenants):
    settings.OUTBOUND_ALLOW = []
    tenant, _ = two_tenants
    await deployed(tenant, "post", document(tenant, server))
    await request(ingress, "POST", f"/w/{tenant.slug}/post/parcels", {"number": "7"})
    async with working():
        (run,) = await handled(tenant, handler="post")
    assert (run["state"], run["error"]["code"]) == ("failed", "broker.forbidden_target")
    assert (await messages_in(server, "PARCELS"), await consumers_of(server, "PARCELS")) == ([], [])


@pytest.mark.slow
@pytest.mark.spec("messaging.kafka", "CAT-B1")
async def test_kafka_carries_messages_out_and_in_for_each_tenant(reachable, ingress, two_tenants):
    with kafka_cluster() as address:
        for tenant in two_tenants:
            broker = f'messaging.kafka, config: {{brokers: "{address}", groupId: "{tenant.slug}"}}'
            heard = f"heard.{tenant.slug}"
            await deployed(tenant, "post", DOCUMENT.format(broker=broker, slug=tenant.slug, topic=heard))
            await asyncio.to_thread(put_record, address, heard, b'"before anybody listened"')
        async with working():
            for tenant in two_tenants:
                await request(ingress, "POST", f"/w/{tenant.slug}/post/parcels", {"number": "7"})
                (sent,) = await handled(tenant, handler="post")
                (record,) = await asyncio.to_thread(records_of, address, f"parcels.{tenant.slug}.new", 1)
                assert (record.value(), record.key(), sent["output"]["offset"]) == (b'{"number":"7"}', b"7", 0)
            for tenant in two_tenants:
                assert await wait_for_async(lambda t=tenant: _heard(address, t), timeout=60, what="a record heard")
                runs = await in_thread(lambda t=tenant: listed(t))
                assert {run["input"] for run in runs} == {tenant.slug}


async def _heard(address, tenant):
    """Write records until one is heard: a group that is new begins with what comes once it listens."""
    await asyncio.to_thread(put_record, address, f"heard.{tenant.slug}", b'"%s"' % tenant.slug.encode())
    return await in_thread(lambda: listed(tenant))
