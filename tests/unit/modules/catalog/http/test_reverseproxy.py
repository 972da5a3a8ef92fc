"""The reverse proxy against real servers: routes, breakers, health, cache, joined answers, rewriting."""

import orjson
import pytest
from pydantic import ValidationError

from apps.engine.http import Request
from apps.engine.local.outside import OutboundHttp
from apps.engine.outcome import Rejected
from apps.engine.ports import HttpReply
from apps.modules.catalog.http.reverseproxy import Reverseproxy
from tests.support.upstream import Said, upstream
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("reverseproxy", "http.proxy", "CAT-B1")
DOWN = "http://127.0.0.1:1"


@pytest.fixture
def partner():
    with upstream() as opened:
        yield opened


@pytest.fixture
def other():
    with upstream() as opened:
        yield opened


@pytest.fixture
async def outside(unit):
    """A unit whose way out is real."""
    unit.http = OutboundHttp()
    yield unit
    await unit.http.close()


def asker(unit, config):
    proxy = make(Reverseproxy, config, "gate")

    async def ask(path="/", method="GET", **more):
        return await proxy.handle(Request(method, path, **more), unit.context())

    ask.proxy = proxy
    return ask


async def test_a_path_goes_to_the_backend_of_its_route_and_else_to_the_default(outside, partner, other):
    ask = asker(
        outside,
        {
            "backend_services": {"users": f"{partner.url}/u", "rest": other.url},
            "routes": {"/api/users/*": "users", "/one": "users"},
            "default_backend": "rest",
        },
    )
    for path in ("/api/users/7", "/one", "/elsewhere"):
        assert (await ask(path)).status == 200
    assert [asked.path for asked in partner.calls] == ["/u/api/users/7", "/u/one"]
    assert [asked.path for asked in other.calls] == ["/elsewhere"]
    mounted = ask.proxy.mounts()
    assert {("GET", "/api/users/{path...}"), ("POST", "/one"), ("DELETE", "/{path...}")} <= set(mounted)


async def test_the_only_backend_needs_no_route_and_without_one_nothing_is_served(outside, partner):
    assert (await asker(outside, {"backend_services": {"a": partner.url}})("/x")).status == 200
    ask = asker(outside, {"backend_services": {"a": partner.url, "b": partner.url}, "routes": {"/a": "a"}})
    assert ask.proxy.mounts() == [(method, "/a") for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")]
    with pytest.raises(Rejected) as refused:
        await ask("/b")
    assert (refused.value.status, refused.value.code) == (404, "proxy.no_backend")


@pytest.mark.shows("reverseproxy", "failure")
async def test_a_backend_that_is_down_is_a_bad_gateway_that_names_it(outside):
    response = await asker(outside, {"backend_services": {"users": DOWN}})("/x")
    assert response.status == 502
    assert orjson.loads(response.body).keys() == {"error", "backend", "path"}
    assert orjson.loads(response.body)["backend"] == "users"


async def test_a_breaker_opens_tries_again_by_the_clock_and_closes(outside, partner):
    settings = {"enabled": True, "failure_threshold": 2, "success_threshold": 2, "open_timeout": "10s"}
    ask = asker(outside, {"backend_services": {"a": partner.url}, "circuit_breaker": settings})
    partner.say("GET /x", Said(500), Said(500), Said(200, {}))
    assert [(await ask("/x")).status for _ in range(2)] == [500, 500]
    refused = await ask("/x")
    assert (refused.status, dict(refused.headers)[b"retry-after"]) == (503, b"10")
    assert orjson.loads(refused.body)["backend"] == "a"
    assert (await ask.proxy.health(outside.context()))[0] == "unhealthy"
    outside.clock.pass_seconds(9)
    assert (await ask("/x")).status == 503
    outside.clock.pass_seconds(2)
    assert [(await ask("/x")).status for _ in range(3)] == [200, 200, 200]
    assert len(partner.calls) == 5
    assert (await ask.proxy.health(outside.context())) == ("healthy", "")


async def test_a_failed_trial_opens_the_breaker_for_another_while(outside, partner):
    settings = {"failure_threshold": 1, "open_timeout": 10}
    ask = asker(outside, {"backend_services": {"a": partner.url}, "circuit_breaker": settings})
    partner.say("GET /x", Said(503))
    assert [(await ask("/x")).headers for _ in range(2)][1] == [(b"retry-after", b"10")]
    outside.clock.pass_seconds(10)
    await ask("/x")
    await ask("/x")
    assert len(partner.calls) == 2


async def test_a_trial_that_was_never_heard_of_again_does_not_block_for_ever(unit):
    ask = asker(
        unit, {"backend_services": {"a": DOWN}, "circuit_breaker": {"failure_threshold": 1, "open_timeout": 10}}
    )
    unit.http.replies += [ConnectionAbortedError(), ConnectionAbortedError()]
    breaker = ask.proxy._backends["a"].breaker
    breaker.note(unit.context(), is_good=False)
    unit.clock.pass_seconds(10)
    with pytest.raises(ConnectionAbortedError):
        await ask("/x")
    assert (await ask("/x")).status == 503
    unit.clock.pass_seconds(10)
    with pytest.raises(ConnectionAbortedError):
        await ask("/x")


async def test_a_backend_that_is_not_well_is_not_asked_until_it_is(outside, partner):
    config = {
        "backend_services": {"a": partner.url},
        "health_check": {"enabled": True, "interval": "30s", "health_endpoints": {"a": "/ready"}},
    }
    ask = asker(outside, config)
    partner.say("GET /ready", Said(503), Said(200))
    assert [(await ask("/x")).status for _ in range(2)] == [503, 503]
    assert (await ask.proxy.health(outside.context()))[0] == "unhealthy"
    assert [asked.path for asked in partner.calls] == ["/ready"]
    outside.clock.pass_seconds(30)
    assert (await ask("/x")).status == 200
    assert [asked.path for asked in partner.calls] == ["/ready", "/ready", "/x"]


async def test_a_health_address_may_be_whole_and_a_dead_backend_is_not_well(outside, partner):
    well = {"health_check": {"enabled": True, "health_endpoints": {"a": f"{partner.url}/health"}}}
    assert (await asker(outside, {"backend_services": {"a": DOWN}, **well})("/x")).status == 502
    dead = {"health_check": {"enabled": True}}
    outside.clock.pass_seconds(30)
    assert (await asker(outside, {"backend_services": {"a": DOWN}, **dead}).proxy.health(outside.context()))[0] == (
        "unhealthy"
    )


async def test_good_answers_are_kept_for_a_while_by_tenant(outside, partner):
    config = {"backend_services": {"a": partner.url}, "cache_enabled": True, "cache_ttl": "1m"}
    ask = asker(outside, config)
    states = []
    for tenant in ("one", "one", "two"):
        response = await ask("/x", headers={"x-tenant-id": tenant}, query_string=b"a=1")
        states.append(dict(response.headers)[b"x-cache"])
    assert states == [b"MISS", b"HIT", b"MISS"]
    outside.clock.pass_seconds(60)
    await ask("/x", headers={"x-tenant-id": "one"}, query_string=b"a=1")
    assert len(partner.calls) == 3


@pytest.mark.parametrize(
    ("method", "headers", "said"),
    [
        ("POST", {}, Said(200, {})),
        ("GET", {"authorization": "Bearer x"}, Said(200, {})),
        ("GET", {}, Said(404, {})),
        ("GET", {}, Said(200, {}, (("Set-Cookie", "a=b"),))),
        ("GET", {}, Said(200, {}, (("Cache-Control", "private, max-age=3"),))),
        ("GET", {}, Said(200, {}, (("Vary", "Accept-Language"),))),
    ],
)
async def test_what_is_somebodys_own_is_never_kept(outside, partner, method, headers, said):
    ask = asker(outside, {"backend_services": {"a": partner.url}, "cache_enabled": True})
    partner.say(f"{method} /x", said)
    for _ in range(2):
        await ask("/x", method, headers=headers)
    assert len(partner.calls) == 2


def joined(strategy, **more):
    return {"composite_routes": {"/both": {"backends": ["a", "b"], "strategy": strategy, **more}}}


async def test_a_composite_route_merges_objects_and_says_who_is_missing(outside, partner, other):
    backends = {"backend_services": {"a": partner.url, "b": other.url}}
    partner.say("GET /both", Said(200, {"x": 1, "y": 1}))
    other.say("GET /both", Said(200, {"y": 2}), Said(500, {}), Said(200, b"no json"))
    ask = asker(outside, backends | joined("merge"))
    answers = [await ask("/both") for _ in range(3)]
    assert [orjson.loads(each.body) for each in answers] == [{"x": 1, "y": 2}, {"x": 1, "y": 1}, {"x": 1, "y": 1}]
    assert [dict(each.headers).get(b"x-proxy-missing") for each in answers] == [None, b"b", b"b"]
    assert ("GET", "/both") in ask.proxy.mounts()


async def test_a_composite_route_appends_lists_or_takes_the_first_good_answer(outside, partner, other):
    backends = {"backend_services": {"a": partner.url, "b": other.url}}
    partner.say("GET /both", Said(200, [1]), Said(503, {}))
    other.say("GET /both", Said(200, 2), Said(200, {"b": True}))
    assert (await asker(outside, backends | joined("append"))("/both")).body == b"[1,2]"
    assert (await asker(outside, backends | joined("first-success"))("/both")).body == b'{"b": true}'


async def test_a_composite_route_of_dead_backends_is_a_bad_gateway(outside):
    backends = {"backend_services": {"a": DOWN, "b": DOWN}}
    for strategy in ("merge", "append", "select"):
        assert (await asker(outside, backends | joined(strategy))("/both")).status == 502


async def test_paths_and_headers_are_rewritten_on_their_way(outside, partner):
    outside.secrets.values["KEY"] = "k3y"
    partner.say("GET /v2/x", Said(200, {}, (("Server-Secret", "1"), ("X-Both", "theirs"))))
    config = {
        "backend_services": {"a": partner.url},
        "backend_configs": {
            "a": {
                "path_rewriting": {"strip_base_path": "/api", "base_path_rewrite": "/v2"},
                "header_rewriting": {
                    "hostname_handling": "use_custom",
                    "custom_hostname": "shop.internal",
                    "set_headers": {"X-Key": "${KEY}"},
                    "remove_headers": ["X-Private"],
                },
            }
        },
        "response_headers": {"set_headers": {"X-Both": "ours"}, "remove_headers": ["Server-Secret"]},
    }
    response = await asker(outside, config)("/api/x", headers={"x-private": "1", "x-other": "2"})
    sent = partner.calls[0]
    assert (sent.path, sent.headers["host"], sent.headers["x-key"]) == ("/v2/x", "shop.internal", "k3y")
    assert "x-private" not in sent.headers
    assert sent.headers["x-other"] == "2"
    assert [value for name, value in response.headers if name in (b"x-both", b"server-secret")] == [b"ours"]


async def test_a_backend_may_be_told_the_callers_host(outside, partner):
    config = {"target": partner.url, "header_rewriting": {"hostname_handling": "preserve_original"}}
    await asker(outside, config)("/x", headers={"host": "shop.example"})
    assert partner.calls[0].headers["host"] == "shop.example"


@pytest.mark.parametrize(
    ("rewrite", "path", "asked"),
    [
        ("/v1", "/users", "/base/v1/users"),
        ({"^/api": ""}, "/api/users", "/base/users"),
        ({"/api": "/v1", "/api/old": "/v0"}, "/api/old/x", "/base/v0/x"),
        ({"/api": "/v1"}, "/apis", "/base/apis"),
        ({"/api": ""}, "/api", "/base/"),
    ],
)
async def test_the_builders_keys_name_one_target_and_its_paths(outside, partner, rewrite, path, asked):
    await asker(outside, {"target": f"{partner.url}/base", "pathRewrite": rewrite})(path)
    assert partner.calls[0].path == asked


async def test_a_route_may_have_its_own_time_and_path(unit):
    config = {
        "backend_services": {"a": "https://a.example"},
        "routes": {"/slow": "a", "/plain": "a"},
        "route_configs": {"/slow": {"timeout": "1m", "path_rewrite": "/report"}},
        "timeout": 3,
    }
    unit.http.replies += [HttpReply(200, {}, b""), HttpReply(200, {}, b"")]
    for path in ("/slow", "/plain"):
        await asker(unit, config)(path)
    assert [(asked["url"], asked["timeout"]) for asked in unit.http.asked] == [
        ("https://a.example/report", 60.0),
        ("https://a.example/plain", 3.0),
    ]


async def test_a_feature_that_is_off_has_another_backend(outside, partner, other):
    config = {
        "backend_services": {"new": partner.url, "old": other.url},
        "routes": {"/a": "new", "/b": "new"},
        "route_configs": {"/a": {"feature_flag_id": "fresh", "alternative_backend": "old"}},
        "feature_flags": {"flags": {"fresh": False}},
    }
    for path in ("/a", "/b"):
        await asker(outside, config)(path)
    by_backend = {"backend_configs": {"new": {"feature_flag_id": "fresh", "alternative_backend": "old"}}}
    await asker(outside, config | by_backend)("/b")
    assert [asked.path for asked in other.calls] == ["/a", "/b"]
    assert [asked.path for asked in partner.calls] == ["/b"]


async def test_a_tenant_may_be_required(outside, partner):
    ask = asker(outside, {"target": partner.url, "require_tenant_id": True, "tenant_id_header": "X-Shop"})
    with pytest.raises(Rejected) as refused:
        await ask("/x")
    assert (refused.value.status, refused.value.code) == (400, "proxy.tenant_missing")
    assert (await ask("/x", headers={"x-shop": "1"})).status == 200
    assert partner.calls[0].headers["x-shop"] == "1"


async def test_an_upgrade_is_refused_with_a_reason(outside, partner):
    with pytest.raises(Rejected) as refused:
        await asker(outside, {"target": partner.url})("/x", headers={"connection": "upgrade", "upgrade": "websocket"})
    assert (refused.value.status, partner.calls) == (501, [])


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"default_backend": "none"}, "default_backend"),
        ({"routes": {"/a": "none"}}, "routes./a"),
        ({"backend_services": {"a": DOWN}, "routes": {"a": "a"}}, "routes.a"),
        ({"composite_routes": {"/a": {"backends": ["none"]}}}, "composite_routes./a.backends"),
        ({"route_configs": {"/a": {}}}, "route_configs./a"),
        ({"backend_configs": {"a": {}}}, "backend_configs.a"),
        (
            {"backend_configs": {"a": {"url": DOWN, "alternative_backend": "none"}}},
            "backend_configs.a.alternative_backend",
        ),
    ],
)
def test_names_that_mean_nothing_are_problems(config, key):
    problems = make(Reverseproxy, config).problems()
    assert [(found[0], found[1]) for found in problems] == [(key, "config.invalid")]


@pytest.mark.spec("D9")
@pytest.mark.parametrize("value", [7, 7.0, "7"])
def test_numbers_may_be_written_in_three_ways(value):
    config = {"circuit_breaker": {"failure_threshold": value}, "request_timeout": value}
    read = make(Reverseproxy, config).config
    assert (read.circuit_breaker.failure_threshold, read.request_timeout) == (7, 7.0)


@pytest.mark.parametrize(
    "config",
    [
        {"composite_routes": {"/a": {"backends": ["a"], "strategy": "vote"}}},
        {"backend_services": {"a": "nowhere"}},
        {"circuit_breaker": {"failure_threshold": 0}},
        {"backend_configs": {"a": {"header_rewriting": {"custom_hostname": "a\r\nb"}}}},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(config):
    with pytest.raises(ValidationError):
        make(Reverseproxy, config)


@pytest.mark.spec("CAT-B2.15")
async def test_addresses_and_headers_of_answers_may_be_secrets(outside, partner):
    outside.secrets.values |= {"WHERE": partner.url, "REGION": "eu\r\nx: y"}
    ask = asker(outside, {"target": "secret://where", "response_headers": {"set_headers": {"X-Region": "${REGION}"}}})
    response = await ask()
    assert response.status == 200
    assert (b"x-region", b"eu x: y") in response.headers
