"""The cache over Redis: whose keys they are, what is left behind, and what happens without Redis."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import redis.asyncio
from django.conf import settings

from apps.engine.local.outside import SystemClock
from apps.engine.outcome import TryAgain
from apps.runs.adapters.cache import PREFIX, RedisCache, RedisCaches

pytestmark = pytest.mark.spec("cache.modular")


@dataclass(frozen=True)
class Somewhere:
    """What the cache looks at in a place."""

    tenant_id: UUID
    environment_id: UUID
    workflow_id: UUID


def somewhere(tenant=None, environment=None):
    return Somewhere(tenant or uuid4(), environment or uuid4(), uuid4())


@pytest.fixture
async def caches():
    made = RedisCaches(settings.REDIS_URL)
    yield made
    await made.close()


@pytest.fixture
async def client():
    made = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    yield made
    await made.aclose()


async def test_keys_carry_tenant_environment_workflow_and_module(caches, client):
    mine, theirs = somewhere(), somewhere()
    for place in (mine, theirs):
        await RedisCache(caches, place, SystemClock()).set("fast", {"k": 1}, ttl=60, most=10)
    for place in (mine, theirs):
        values = await client.hkeys(f"{PREFIX}{{{place.tenant_id}}}:v")
        assert values == [f"{place.environment_id}/{place.workflow_id}/fast\0k".encode()]


async def test_environments_and_workflows_of_one_tenant_share_nothing(caches):
    tenant, environment = uuid4(), uuid4()
    places = [somewhere(tenant, environment), somewhere(tenant, environment), somewhere(tenant)]
    found = [RedisCache(caches, place, SystemClock()) for place in places]
    await found[0].set("fast", {"k": 1}, ttl=60, most=10)
    assert [await each.get("fast", ["k"]) for each in found] == [{"k": 1}, {}, {}]


@pytest.mark.parametrize("name", ["fast\0k", "a/b", "{x}", ":v"])
async def test_odd_names_of_modules_and_keys_stay_inside_their_place(caches, name):
    mine, theirs = somewhere(), somewhere()
    for place, value in ((mine, 1), (theirs, 2)):
        await RedisCache(caches, place, SystemClock()).set(name, {name: value}, ttl=60, most=10)
    assert await RedisCache(caches, mine, SystemClock()).get(name, [name]) == {name: 1}


async def test_everything_of_a_tenant_leaves_redis_when_its_last_value_ends(caches, client):
    place = somewhere()
    await RedisCache(caches, place, SystemClock()).set("fast", {"k": 1}, ttl=60, most=10)
    left = [await client.pttl(key) async for key in client.scan_iter(f"{PREFIX}{{{place.tenant_id}}}*")]
    assert len(left) == 4
    assert all(0 < each <= 60_000 for each in left)


async def test_without_redis_nothing_is_found_or_kept_and_forgetting_is_tried_again():
    cache = RedisCache(RedisCaches("redis://127.0.0.1:1/0"), somewhere(), SystemClock())
    await cache.set("fast", {"k": 1}, ttl=60, most=10)
    assert await cache.get("fast", ["k"]) == {}
    with pytest.raises(TryAgain):
        await cache.delete("fast", ["k"])
    with pytest.raises(TryAgain):
        await cache.flush("fast")
