"""What of a document goes over Redis: the values of its cache, and the bell that tells a worker of its messages."""

import os

import orjson
import pytest
import redis
from django.conf import settings as django_settings

from apps.core import jobs
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.runs import run_list
from tests.integration.runs.documents import HEAD
from tests.support.runs import ended_of, the
from tests.support.serving import deployed, request, serving
from tests.support.waiting import wait_for_async
from tests.support.workers import workers

pytestmark = pytest.mark.spec("CAT-B1")

TEXT = (
    HEAD
    + """\
  - {name: prices, type: cache.modular, config: {engine: redis, defaultTTL: 60, maxItems: 2}}
  - {name: bus, type: messaging.broker}
  - {name: events, type: eventbus.modular}
  - {name: inbox, type: messaging.handler}
workflows:
  http:
    routes:
      - {method: PUT, path: /prices, handler: keep}
      - {method: GET, path: "/prices/{key}", handler: find}
      - {method: POST, path: /orders, handler: accept}
  messaging: {subscriptions: [{topic: order.made, handler: inbox}]}
  pipelines:
    keep: {steps: [{uses: prices, with: {action: set, key: "${data.key}", value: "${data.value}"}}]}
    find:
      steps:
        - {name: found, uses: prices, with: {action: get, key: "${request.params.key}"}}
        - {respond: {body: "${steps.found}"}}
    accept: {steps: [{emit: order.made}, {respond: {status: 202, body: {taken: true}}}]}
    pack: {steps: [{set: {packed: true}}]}
triggers:
  eventbus: {subscriptions: [{topic: "order.*", workflow: pack, action: pack}]}
"""
)
QUEUE = "celery"


@pytest.fixture
def server():
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        yield client


@pytest.mark.spec("cache.modular")
@pytest.mark.proven("cache.modular", "redis")
async def test_values_of_each_tenant_are_kept_in_redis_and_forgotten_when_there_are_too_many(two_tenants, server):
    first, second = two_tenants
    async with serving() as ingress:
        for tenant, value in ((first, {"cents": 5, "name": "Grüße"}), (second, [1])):
            await deployed(tenant, "shop", TEXT)
            kept = await request(ingress, "PUT", f"/w/{tenant.slug}/shop/prices", {"key": "tea", "value": value})
            assert kept.status == 200, kept.body
            (stored,) = [value for _, value in _values(server, tenant).items()]
            assert orjson.loads(stored) == value
            found = await request(ingress, "GET", f"/w/{tenant.slug}/shop/prices/tea")
            assert found.json() == {"found": True, "value": value}
        for key in ("milk", "rum"):
            await request(ingress, "PUT", f"/w/{first.slug}/shop/prices", {"key": key, "value": key})
        assert (await request(ingress, "GET", f"/w/{first.slug}/shop/prices/tea")).json()["found"] is False
        assert len(_values(server, first)) == 2
        server.delete(*server.keys(f"weft:cache:{{{second.id}}}*"))
        assert (await request(ingress, "GET", f"/w/{second.slug}/shop/prices/tea")).json()["found"] is False


def _values(server, tenant):
    return server.hgetall(f"weft:cache:{{{tenant.id}}}:v")


@pytest.fixture
def bell_over_redis(settings):
    """Send wake-ups as the product does, over Redis; the tests' own broker is in memory."""
    settings.CELERY_BROKER_URL = django_settings.REDIS_URL
    jobs.sender.cache_clear()
    yield
    jobs.sender.cache_clear()


@pytest.mark.spec("messaging.broker", "eventbus.modular")
@pytest.mark.proven("messaging.broker", "redis")
@pytest.mark.proven("eventbus.modular", "redis")
async def test_a_message_rings_over_redis_and_a_worker_process_handles_it(
    database, two_tenants, server, bell_over_redis, tmp_path
):
    first, second = two_tenants
    server.delete(QUEUE)
    async with serving() as ingress:
        for tenant in two_tenants:
            await deployed(tenant, "shop", TEXT)
        server.delete(QUEUE)
        taken = await request(ingress, "POST", f"/w/{first.slug}/shop/orders", {"id": 7})
        assert taken.status == 202

        async def rung():
            return [orjson.loads(each)["headers"]["task"] for each in await in_thread(server.lrange, QUEUE, 0, -1)]

        assert "runs.wake" in await wait_for_async(rung, what="a wake-up in Redis")
        with workers(database, tmp_path, BROKER_URL=os.environ["WEFT_TEST_REDIS_URL"]) as started:
            await in_thread(started.start)
            (run,) = await ended_of(first, "message", 1, timeout=60)
            assert (run["state"], run["definition"]) == ("done", "order.made -> inbox")
            (packed,) = await ended_of(first, "trigger", 1, timeout=60)
            assert (packed["state"], packed["action"]) == ("done", "pack")
            assert await wait_for_async(lambda: _is_empty(server), timeout=30, what="the wake-ups are taken")
    assert (await the(second, run_list)).items == []


async def _is_empty(server):
    return await in_thread(server.llen, QUEUE) == 0
