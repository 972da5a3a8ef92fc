import pytest
from pydantic import ValidationError

from apps.engine.http import Request
from apps.engine.token_buckets import TokenBuckets
from apps.modules.catalog.http.http_middleware_ratelimit import HttpMiddlewareRatelimit
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "http.middleware.ratelimit")


def ask(limit, unit, client="10.0.0.1", token=""):
    headers = {"authorization": token, "x-forwarded-for": "1.2.3.4"} if token else {"x-forwarded-for": "1.2.3.4"}
    return limit.before(Request("GET", "/", client=client, headers=headers), unit.context())


@pytest.mark.shows("http.middleware.ratelimit", "failure")
def test_an_empty_bucket_answers_429_and_says_when_to_come_back(unit):
    limit = make(HttpMiddlewareRatelimit, {"requestsPerMinute": 6, "burstSize": 2})
    assert [ask(limit, unit), ask(limit, unit)] == [None, None]
    refusal = ask(limit, unit)
    assert (refusal.status, refusal.body) == (429, b"Rate limit exceeded")
    assert (b"retry-after", b"10") in refusal.headers
    unit.clock.pass_seconds(10)
    assert ask(limit, unit) is None
    assert ask(limit, unit).status == 429


def test_a_bucket_never_holds_more_than_the_burst(unit):
    limit = make(HttpMiddlewareRatelimit, {"requestsPerMinute": 600, "burstSize": 2})
    ask(limit, unit)
    unit.clock.pass_seconds(3600)
    assert [ask(limit, unit) is None for _ in range(3)] == [True, True, False]


def test_clients_are_told_apart_by_address_and_never_by_a_header_they_can_forge(unit):
    limit = make(HttpMiddlewareRatelimit, {"burstSize": 1})
    assert ask(limit, unit, "10.0.0.1") is None
    assert ask(limit, unit, "10.0.0.2") is None
    assert ask(limit, unit, "10.0.0.1").status == 429


@pytest.mark.parametrize(
    ("strategy", "others"), [("ip", [429, 200]), ("token", [200, 429]), ("ip_and_token", [200, 200])]
)
def test_the_strategy_says_what_makes_another_client(strategy, others, unit):
    limit = make(HttpMiddlewareRatelimit, {"burstSize": 1, "strategy": strategy})
    assert ask(limit, unit, "10.0.0.1", "Bearer a") is None
    answers = [ask(limit, unit, "10.0.0.1", "Bearer b"), ask(limit, unit, "10.0.0.9", "Bearer a")]
    assert [200 if answer is None else answer.status for answer in answers] == others


def test_without_a_token_the_address_counts(unit):
    limit = make(HttpMiddlewareRatelimit, {"burstSize": 1, "strategy": "token"})
    assert ask(limit, unit) is None
    assert ask(limit, unit).status == 429


def test_the_builders_keys_are_read(unit):
    limit = make(HttpMiddlewareRatelimit, {"rps": 2, "burst": "1"})
    ask(limit, unit)
    unit.clock.pass_seconds(0.5)
    assert ask(limit, unit) is None
    with pytest.raises(ValidationError):
        make(HttpMiddlewareRatelimit, {"rps": 2, "requestsPerMinute": 6})


def test_two_scopes_share_no_bucket():
    buckets = TokenBuckets(lambda: 0.0)
    first, second = buckets.scoped("a/prod/w"), buckets.scoped("b/prod/w")
    assert first.take("k", per_minute=60, burst=1) == 0.0
    assert first.take("k", per_minute=60, burst=1) == pytest.approx(1.0)
    assert second.take("k", per_minute=60, burst=1) == 0.0


def test_the_longest_unused_buckets_are_forgotten():
    buckets = TokenBuckets(lambda: 0.0, most=2).scoped("a")
    for key in ("x", "y", "z"):
        buckets.take(key, per_minute=60, burst=1)
    assert buckets.take("x", per_minute=60, burst=1) == 0.0
    assert buckets.take("z", per_minute=60, burst=1) > 0.0
