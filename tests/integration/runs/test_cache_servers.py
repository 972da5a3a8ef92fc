"""A cache on a Redis server of the document's own does, on either host, what the cache that Weft brings does."""

import asyncio
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from apps.engine.cache_limits import LARGEST_TENANT, LARGEST_VALUE
from apps.engine.local.host import LocalHost
from apps.engine.local.outside import SystemClock
from apps.engine.local.redis_wire import RedisLink
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.redis_address import server_at
from apps.runs.adapters.cache import RedisCache, RedisCaches
from tests.support.certificates import make_certificates
from tests.support.own_redis import OwnRedis
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("cache.modular", "CAT-B1")

BIG = "x" * (LARGEST_VALUE - 2)
CALLS = [
    ("get", "fast", ["a"]),
    ("set", "fast", {"a": {"n": [1, None, 2.5, "ü"]}, "b": None, "": 1}, 60, 10),
    ("set", "fast", {"short": 1}, 0.000001, 10),
    ("set", "other", {"a": 3, "x\0y": 4, "{z}": 5}, 60, 10),
    ("get", "fast", ["a", "b", "c", "short", ""]),
    ("get", "other", ["a", "x\0y", "{z}"]),
    ("get", "other", []),
    ("delete", "fast", ["a", "c", "a", "short"]),
    ("delete", "fast", []),
    ("get", "fast", ["a", "b"]),
    ("flush", "fast"),
    ("get", "fast", ["b"]),
    ("get", "other", ["a"]),
    ("set", "small", {"soon": 1}, 10, 2),
    ("set", "small", {"late": 1}, 1000, 2),
    ("set", "small", {"later": 1}, 2000, 2),
    ("get", "small", ["soon", "late", "later"]),
    ("set", "small", {}, 10, 2),
    ("set", "big", {"a": BIG + "x"}, 60, 10),
    ("set", "big", {"a": {1, 2}}, 60, 10),
    *(("set", "big", {str(number): BIG}, 60 + number, 100) for number in range(LARGEST_TENANT // LARGEST_VALUE + 1)),
    ("get", "big", ["0", "1"]),
    ("flush", "big"),
    ("set", "many", {str(number): number for number in range(1000)}, 60, 1000),
    ("get", "many", [str(number) for number in range(1000)]),
    ("delete", "many", [str(number) for number in range(1000)]),
]


@dataclass(frozen=True)
class Somewhere:
    tenant_id: UUID
    environment_id: UUID
    workflow_id: UUID


def somewhere():
    return Somewhere(uuid4(), uuid4(), uuid4())


@pytest.fixture
def own(tmp_path):
    return OwnRedis(tmp_path / "own")


@pytest.fixture
async def caches():
    made = RedisCaches(settings.REDIS_URL, lambda host, port, address: True)
    yield made
    await made.close()


@pytest.fixture
async def local():
    made = LocalHost()
    yield made
    await made.close()


def server(own, **more):
    return server_at(own.url, **{"connection_seconds": 0, **more})


async def said(cache, call):
    method, module, *rest = call
    try:
        if method == "set":
            values, ttl, most = rest
            return await cache.set(module, values, ttl=ttl, most=most)
        return await getattr(cache, method)(module, *rest)
    except StepFailed as refused:
        return refused.code, refused.message


async def test_every_call_comes_to_the_same_on_both_hosts_and_on_the_product_s_own(own, caches, local):
    with own.up():
        brought = RedisCache(caches, somewhere(), SystemClock())
        every = {
            "product": brought,
            "memory": local.cache_of("a"),
            "hosted": brought.at(server(own)),
            "local": local.cache_of("a").at(server(own, database=1)),
        }
        for call in CALLS:
            answers = {name: await said(cache, call) for name, cache in every.items()}
            assert len({repr(answer) for answer in answers.values()}) == 1, (call[:2], answers)


async def test_tenants_and_documents_on_one_server_share_nothing_and_flush_their_own(own, caches, local):
    with own.up() as look:
        look.set("theirs", "1")
        every = [RedisCache(caches, somewhere(), SystemClock()).at(server(own)) for _ in range(2)]
        every += [local.cache_of(scope).at(server(own)) for scope in ("a", "b")]
        for number, cache in enumerate(every):
            await cache.set("fast", {"k": number}, ttl=60, most=10)
        assert [await cache.get("fast", ["k"]) for cache in every] == [{"k": number} for number in range(4)]
        await every[0].flush("fast")
        await every[2].flush("fast")
        assert [await cache.get("fast", ["k"]) for cache in every] == [{}, {"k": 1}, {}, {"k": 3}]
        assert look.get("theirs") == b"1"


async def test_values_end_on_the_server_as_well(own, local):
    with own.up() as look:
        await local.cache_of("a").at(server(own)).set("fast", {"k": 1}, ttl=60, most=10)
        assert all(0 < look.pttl(key) <= 60_000 for key in look.keys("*"))


async def test_operations_share_one_connection_until_it_is_too_old(own, local):
    with own.up() as look:
        cache = local.cache_of("a").at(server(own))
        await asyncio.gather(*(cache.set("fast", {str(n): n}, ttl=60, most=100) for n in range(50)))
        assert len(await cache.get("fast", [str(n) for n in range(50)])) == 50
        assert look.info("clients")["connected_clients"] == 2
        aging = local.cache_of("a").at(server(own, connection_seconds=0.000001))
        received = look.info("stats")["total_connections_received"]
        assert [len(await aging.get("fast", ["1"])) for _ in range(3)] == [1, 1, 1]
        assert look.info("stats")["total_connections_received"] == received + 3


async def test_a_server_that_is_away_has_nothing_and_takes_nothing_and_is_used_again_when_it_is_back(own, local):
    cache = local.cache_of("a").at(server(own))
    with own.up():
        await cache.set("fast", {"k": 1}, ttl=60, most=10)
    await cache.set("fast", {"k": 1}, ttl=60, most=10)
    assert await cache.get("fast", ["k"]) == {}
    for forgetting in (cache.delete("fast", ["k"]), cache.flush("fast")):
        with pytest.raises(TryAgain) as again:
            await forgetting
        assert again.value.code == "cache.unreachable"
    with own.up():
        await cache.set("fast", {"k": 2}, ttl=60, most=10)
        assert await cache.get("fast", ["k"]) == {"k": 2}


@pytest.mark.parametrize("more", [{"password": "wrong"}, {"database": 1_000}])
@pytest.mark.shows("cache.modular", "failure")
async def test_a_server_that_refuses_fails_the_step(own, local, more):
    cache = local.cache_of("a").at(server(own, **more))
    with own.up():
        for asking in (cache.get("fast", ["k"]), cache.flush("fast")):
            with pytest.raises(StepFailed) as refused:
                await asking
            assert refused.value.code == "cache.refused"
            assert own.password not in str(refused.value)


async def test_what_another_program_put_there_is_no_value_and_no_fault_of_ours(own, local):
    cache = local.cache_of("a").at(server(own))
    with own.up() as look:
        await cache.set("fast", {"k": 1, "l": 2}, ttl=60, most=10)
        (values,) = look.keys("*:v")
        place = next(place for place in look.hkeys(values) if place.endswith(b"k"))
        look.hset(values, place, b"{not json")
        assert await cache.get("fast", ["k", "l"]) == {"l": 2}
        look.set(values, "a text")
        with pytest.raises(StepFailed) as refused:
            await cache.get("fast", ["k"])
        assert refused.value.code == "cache.refused"


async def test_hosted_a_private_server_is_not_asked(own):
    guarded = RedisCaches(settings.REDIS_URL)
    cache = RedisCache(guarded, somewhere(), SystemClock()).at(server(own))
    with own.up() as look:
        before = look.info("stats")["total_connections_received"]
        for asking in (cache.get("fast", ["k"]), cache.set("fast", {"k": 1}, ttl=1, most=1), cache.flush("fast")):
            with pytest.raises(StepFailed) as refused:
                await asking
            assert refused.value.code == "cache.forbidden_target"
        assert look.info("stats")["total_connections_received"] == before
    await guarded.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"x\r\n", b"$5\r\nab", b"$99999999999\r\n", b"*99999999\r\n", b"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", b":\r\n",
     b"-LOADING wait\r\n", b"a" * 200_000, b":1\r\n:2\r\n"],
)  # fmt: skip
async def test_whatever_somebody_answers_who_is_no_redis_it_ends_in_time(answer, local):
    is_over = asyncio.Event()

    async def serve(reader, writer):
        with suppress(ConnectionError):
            await reader.read(100)
            writer.write(answer)
            await writer.drain()
            await reader.read()
        writer.close()
        is_over.set()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    cache = local.cache_of("a").at(server_at(f"redis://127.0.0.1:{port}", connection_seconds=0))
    began = time.monotonic()
    assert await cache.get("fast", ["k"]) == {}
    assert time.monotonic() - began < 10
    await local.close()
    await is_over.wait()
    listening.close()


async def test_a_server_that_speaks_tls_is_asked_only_where_its_certificate_is_trusted(local, tmp_path, monkeypatch):
    certificates = make_certificates(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    gone = []

    async def serve(reader, writer):
        with suppress(ConnectionError, ssl.SSLError):
            while await reader.read(65_536):
                writer.write(b"*1\r\n$1\r\n7\r\n")
        writer.close()
        gone.append(writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    cache = local.cache_of("a").at(server_at(f"rediss://localhost:{port}", connection_seconds=0))
    assert await cache.get("fast", ["k"]) == {}
    for name, value in certificates.trusted.items():
        monkeypatch.setenv(name, value)
    assert await cache.get("fast", ["k"]) == {"k": 7}
    await local.close()

    async def over():
        return bool(gone)

    await wait_for_async(over, timeout=10, what="the end of the connection")
    listening.close()


async def test_connections_are_given_up_when_the_host_closes(own, local):
    with own.up() as look:
        link = await RedisLink.open(server(own), lambda host, port, address: True)
        assert await link.ask("PING") == b"PONG"
        link.close()
        await local.cache_of("a").at(server(own)).get("fast", ["k"])
        await local.close()

        async def alone():
            return look.info("clients")["connected_clients"] == 1

        await wait_for_async(alone, timeout=10, what="the end of both connections")
