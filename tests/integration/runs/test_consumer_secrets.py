"""Consumers of brokers whose address or password is a secret begin anew when it changes, each tenant's by itself."""

from contextlib import ExitStack

import psycopg
import pytest

from apps.runs.adapters.threads import in_thread
from tests.integration.runs.test_consumers import DOCUMENT, PATIENCE, handled, listed
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_records import put_record
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, consumers_of, publish_raw
from tests.support.secrets import put_secrets
from tests.support.serving import deployed, working
from tests.support.waiting import wait_for_async

pytestmark = [pytest.mark.spec("CAT-B2"), pytest.mark.spec("CAT-B2.15")]


@pytest.fixture(autouse=True)
def _reachable(settings, database):
    """Let workers reach this machine, and leave no consumers to other tests."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    yield
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("delete from runs_consumer")


@pytest.fixture
async def servers():
    """Two servers with the same stream."""
    with ExitStack() as stack:
        addresses = [stack.enter_context(nats_server()) for _ in range(2)]
        for address in addresses:
            await add_stream(address, "PARCELS", "parcels.>")
        yield addresses


def document(tenant, url):
    broker = f'messaging.nats, config: {{url: "{url}"}}'
    return DOCUMENT.format(broker=broker, slug=tenant.slug, topic=f"parcels.{tenant.slug}.heard")


async def listening(address, count):
    """Wait until so many consumers ask a server for messages."""

    async def there():
        found = await consumers_of(address, "PARCELS")
        return len([each for each in found if each.num_waiting]) == count

    await wait_for_async(there, timeout=PATIENCE, what=f"{count} listeners at {address}")


@pytest.mark.spec("messaging.nats")
@pytest.mark.parametrize("url", ["${WHERE}", "nats://${HOST}:${PORT}"])
async def test_a_consumer_follows_the_secret_that_says_where_its_server_is(servers, two_tenants, url):
    first, second = two_tenants
    here, there = servers
    for tenant in two_tenants:
        await put_secrets(tenant, WHERE=f"nats://{here}", HOST="127.0.0.1", PORT=here.rpartition(":")[2], OTHER="x")
        await deployed(tenant, "post", document(tenant, url))
    async with working():
        await listening(here, 2)
        await put_secrets(first, WHERE=f"nats://{there}", PORT=there.rpartition(":")[2])
        await listening(there, 1)
        await listening(here, 1)
        await publish_raw(here, f"parcels.{first.slug}.heard", b'"too late"')
        await publish_raw(there, f"parcels.{first.slug}.heard", b'"there"')
        await publish_raw(here, f"parcels.{second.slug}.heard", b'"here"')
        assert [run["input"] for run in await handled(first)] == ["there"]
        assert [run["input"] for run in await handled(second)] == ["here"]


@pytest.mark.spec("messaging.nats")
async def test_a_secret_of_something_else_leaves_the_line_open(servers, two_tenants):
    tenant, _ = two_tenants
    await put_secrets(tenant, WHERE=f"nats://{servers[0]}")
    await deployed(tenant, "post", document(tenant, "${WHERE}"))
    async with working() as worker:
        await listening(servers[0], 1)
        (before,) = worker._consumers._held.values()
        task = before.task
        await put_secrets(tenant, OTHER="new")

        async def looked():
            return not worker._consumers._changed

        await wait_for_async(looked, timeout=PATIENCE, what="a look at the change")
        assert (before.task, task.done()) == (task, False)


@pytest.mark.spec("messaging.nats")
async def test_a_password_that_is_gone_stops_the_consumer_and_a_new_one_lets_it_in(two_tenants):
    tenant, _ = two_tenants
    with nats_server(password="first") as old, nats_server(password="second") as new:
        for address, password in ((old, "first"), (new, "second")):
            await add_stream(f"tester:{password}@{address}", "PARCELS", "parcels.>")
        place = "nats://tester:${PASSWORD}@%s"
        await put_secrets(tenant, PASSWORD="first", SERVER=old)
        await deployed(tenant, "post", document(tenant, place.replace("%s", "${SERVER}")))
        async with working() as worker:
            await listening(f"tester:first@{old}", 1)
            (held,) = worker._consumers._held.values()
            line = held.task
            await put_secrets(tenant, PASSWORD=None)

            async def has_stopped():
                return line.done() and held.wire is None

            await wait_for_async(has_stopped, timeout=PATIENCE, what="the end of the line")
            await put_secrets(tenant, PASSWORD="second", SERVER=new)
            await listening(f"tester:second@{new}", 1)
            await publish_raw(f"tester:second@{new}", f"parcels.{tenant.slug}.heard", b"1")
            assert [run["input"] for run in await handled(tenant)] == [1]


@pytest.mark.slow
@pytest.mark.spec("messaging.kafka")
async def test_a_consumer_of_kafka_follows_the_secret_that_says_where_its_brokers_are(two_tenants):
    tenant, _ = two_tenants
    with kafka_cluster() as here, kafka_cluster() as there:
        await put_secrets(tenant, BROKERS=here)
        broker = 'messaging.kafka, config: {brokers: "${BROKERS}", groupId: g}'
        await deployed(tenant, "post", DOCUMENT.format(broker=broker, slug=tenant.slug, topic="heard"))

        async def heard(address, value):
            await in_thread(lambda: put_record(address, "heard", value))
            return value.decode() in [f'"{run["input"]}"' for run in await in_thread(lambda: listed(tenant))]

        async with working():
            await wait_for_async(lambda: heard(here, b'"here"'), timeout=PATIENCE, what="a record from here")
            await put_secrets(tenant, BROKERS=there)
            await wait_for_async(lambda: heard(there, b'"there"'), timeout=PATIENCE, what="a record from there")
