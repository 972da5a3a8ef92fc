"""`cache.modular`: every action, and what it refuses."""

import pytest
from pydantic import ValidationError

from apps.engine.cache_limits import LONGEST_KEY, MOST_ITEMS, MOST_KEYS
from apps.engine.outcome import Rejected, StepFailed
from apps.modules.catalog.framework.cache_modular import CacheModular
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("cache.modular")


async def run(unit, config=None, **request):
    return await make(CacheModular, config or {}, "prices").run(request, unit.context())


async def test_a_value_is_kept_found_and_deleted(unit):
    assert await run(unit, action="get", key="a") == {"found": False, "value": None}
    assert await run(unit, action="set", key="a", value={"n": 1}) == {"stored": 1}
    assert await run(unit, action="set", key=7, value=None) == {"stored": 1}
    assert await run(unit, action="get", key="a") == {"found": True, "value": {"n": 1}}
    assert await run(unit, action="get", key="7") == {"found": True, "value": None}
    assert await run(unit, action="delete", key="a") == {"deleted": 1}
    assert await run(unit, action="delete", key="a") == {"deleted": 0}


async def test_several_values_at_once(unit):
    assert await run(unit, action="setMulti", values={"a": 1, "b": 2, "c": 3}) == {"stored": 3}
    assert await run(unit, action="getMulti", keys=["a", "c", "x"]) == {"values": {"a": 1, "c": 3}}
    assert await run(unit, action="deleteMulti", keys=["a", "x"]) == {"deleted": 1}
    assert await run(unit, action="flush") == {"flushed": True}
    assert await run(unit, action="getMulti", keys=["b", "c"]) == {"values": {}}


@pytest.mark.parametrize(
    ("config", "ttl", "seconds"), [({}, None, 300), ({"ttl": "5m"}, "10s", 10), ({"defaultTTL": 2}, None, 2)]
)
async def test_a_value_lives_as_long_as_its_step_or_the_module_says(unit, config, ttl, seconds):
    await run(unit, config, action="set", key="a", value=1, **({"ttl": ttl} if ttl else {}))
    unit.clock.pass_seconds(seconds - 0.5)
    assert (await run(unit, config, action="get", key="a"))["found"] is True
    unit.clock.pass_seconds(0.5)
    assert (await run(unit, config, action="get", key="a"))["found"] is False


async def test_beyond_its_number_it_forgets_what_would_have_ended_first(unit):
    config = {"maxSize": "2"}
    for key, ttl in (("a", 50), ("b", 10), ("c", 60)):
        await run(unit, config, action="set", key=key, value=key, ttl=ttl)
    assert await run(unit, config, action="getMulti", keys=["a", "b", "c"]) == {"values": {"a": "a", "c": "c"}}


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        ({"action": "get"}, "/key"),
        ({"action": "set", "key": ""}, "/key"),
        ({"action": "get", "key": "k" * (LONGEST_KEY + 1)}, "/key"),
        ({"action": "getMulti", "keys": ["k"] * (MOST_KEYS + 1)}, "/keys"),
        ({"action": "incr", "key": "a"}, "/action"),
        ({"action": "set", "key": "a", "ttl": 0}, "/ttl"),
        ({"action": "get", "key": "a", "more": 1}, "/more"),
    ],
)
@pytest.mark.shows("cache.modular", "failure")
async def test_what_it_cannot_do_is_refused_at_its_place(unit, request_, pointer):
    with pytest.raises(Rejected) as refused:
        await run(unit, **request_)
    assert [fault["pointer"] for fault in refused.value.errors] == [pointer]
    assert refused.value.code == "cache.bad_request"


@pytest.mark.shows("cache.modular", "failure")
async def test_a_value_that_is_no_json_or_too_large_is_refused(unit):
    with pytest.raises(StepFailed) as refused:
        await run(unit, action="set", key="a", value="x" * 2_000_000)
    assert refused.value.code == "cache.too_large"
    with pytest.raises(StepFailed) as refused:
        await run(unit, action="set", key="a", value=object())
    assert refused.value.code == "cache.not_json"


@pytest.mark.parametrize(
    "config", [{"engine": "memcached"}, {"maxItems": 0}, {"defaultTTL": 0}, {"defaultTTL": "9000h"}]
)
def test_settings_out_of_range_are_refused(config):
    with pytest.raises(ValidationError):
        CacheModular.Config.model_validate(config)


def test_every_spelling_of_the_settings_is_read():
    first = CacheModular.Config.model_validate({"provider": "redis", "ttl": "5m", "maxSize": 1000})
    second = CacheModular.Config.model_validate({"backend": "redis", "defaultTTL": 300, "maxItems": "1000"})
    assert first == second
    assert CacheModular.Config.model_validate({}).max_items == MOST_ITEMS


async def test_with_an_address_values_are_on_that_server_and_without_one_where_weft_keeps_them(unit):
    unit.secrets.values |= {"SHELF": "redis://shelf/2", "KEY": "s3cret"}
    config = {"engine": "redis", "redisURL": "${SHELF}", "redisPassword": "${KEY}", "connectionMaxAge": "5m"}
    assert await run(unit, config, action="set", key="a", value=1) == {"stored": 1}
    (server,) = unit.cache_servers
    assert (server.host, server.database, server.password, server.connection_seconds) == ("shelf", 2, "s3cret", 300)
    assert (await run(unit, config, action="get", key="a"))["found"] is True
    for brought in ({}, {"engine": "redis"}, config | {"engine": "memory"}):
        assert (await run(unit, brought, action="get", key="a"))["found"] is False
    assert list(unit.cache_servers) == [server]


@pytest.mark.shows("cache.modular", "failure")
async def test_a_secret_that_is_no_address_fails_the_step_without_showing_it(unit):
    unit.secrets.values["SHELF"] = "http://:s3cret@shelf"
    with pytest.raises(StepFailed) as refused:
        await run(unit, {"engine": "redis", "redisURL": "${SHELF}"}, action="get", key="a")
    assert (refused.value.code, "s3cret" in refused.value.message) == ("cache.bad_address", False)


@pytest.mark.parametrize("more", [{"redisURL": "http://shelf"}, {"redisDB": -1}, {"connectionMaxAge": "-1s"}])
def test_a_server_that_cannot_be_meant_is_refused(more):
    with pytest.raises(ValidationError):
        CacheModular.Config.model_validate({"engine": "redis", "redisURL": "redis://shelf", **more})
