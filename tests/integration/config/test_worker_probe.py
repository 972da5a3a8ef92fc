"""`/ready` knows within seconds whether a worker is there, also after Redis has lost everything."""

import uuid

import pytest
import redis
from django.conf import settings

from apps.runs.adapters.threads import in_thread
from apps.runs.operations import worker
from config import health
from tests.support.serving import working
from tests.support.waiting import wait_for_async


@pytest.fixture
def key(monkeypatch):
    """A key of this test's own: other products may share the Redis server."""
    name = f"weft:test:{uuid.uuid4()}"
    monkeypatch.setattr(worker, "HEARTBEAT_KEY", name)
    monkeypatch.setattr(health, "HEARTBEAT_KEY", name)
    return name


def answer():
    return health.readiness({"worker": health.probe_worker})["worker"]


async def test_a_worker_is_missed_until_it_gives_a_sign_and_again_when_redis_forgets_it(database, two_tenants, key):
    assert "no worker" in await in_thread(answer)
    async with working():
        await wait_for_async(lambda: in_thread(lambda: answer() == "ok"))
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            assert 0 < client.ttl(key) <= worker.SILENT_SECONDS
            client.delete(key)
        await wait_for_async(lambda: in_thread(lambda: answer() == "ok"), timeout=worker.SIGN_SECONDS + 8)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(key)
