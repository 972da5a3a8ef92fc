"""No module type reaches our own network: whatever leaves goes through one guard (spec/modules.md 3 and 9)."""

import psycopg
import pytest

from tests.integration.runs.documents import HEAD
from tests.support.runs import ended, ended_of, start
from tests.support.serving import deployed, request, serving, working
from tests.support.untouched import untouched

pytestmark = pytest.mark.spec("D29", "CAT-B1", "CAT-B1.7")

TEXT = (
    HEAD
    + """\
  - {name: hub, type: integration.registry}
  - {name: by-webhook, type: webhook.sender, config: {url: "%(url)s", maxRetries: 0}}
  - {name: by-slack, type: notification.slack, config: {webhookURL: "%(url)s"}}
  - {name: by-client, type: httpclient.modular, config: {baseURL: "%(url)s"}}
  - {name: by-bucket, type: storage.s3, config: {bucket: shop, endpoint: "%(url)s", accessKeyId: ""}}
  - {name: by-database, type: database.workflow, config: {dsn: "%(dsn)s", driver: postgres}}
  - name: by-databases
    type: database.modular
    config: {default: a, connections: {a: {dsn: "%(dsn)s", driver: postgres}}}
  - {name: by-cache, type: cache.modular, config: {engine: redis, redisURL: "redis://%(address)s"}}
  - {name: simple, type: http.simple_proxy, config: {targets: {/simple: "%(url)s"}}}
  - {name: proxy, type: http.proxy, config: {target: "%(url)s"}}
  - {name: reverse, type: reverseproxy, config: {backend_services: {a: "%(url)s"}, routes: {/reverse: a}}}
  - {name: health, type: health.checker}
workflows:
  http:
    routes:
      - {method: GET, path: /simple, handler: simple}
      - {method: GET, path: /proxy, handler: proxy}
      - {method: GET, path: /reverse, handler: reverse}
  pipelines:
    webhook: {steps: [{uses: by-webhook}]}
    slack: {steps: [{uses: by-slack}]}
    client: {steps: [{uses: by-client, with: {path: /x}}]}
    bucket: {steps: [{uses: by-bucket, with: {action: get, key: x}}]}
    database: {steps: [{uses: by-database, with: {action: query, sql: select 1}}]}
    databases: {steps: [{uses: by-databases, with: {action: query, sql: select 1}}]}
    cache: {steps: [{uses: by-cache, with: {action: set, key: k, value: 1}}]}
  integration:
    registry: hub
    connectors: [{name: api, type: http, config: {baseURL: "%(url)s", allowPrivateIPs: true}}]
    steps: [{name: ask, connector: api, action: GET /x}]
"""
)
BY_DATABASE = (
    HEAD
    + """\
  - {name: hub, type: integration.registry}
workflows:
  integration:
    registry: hub
    connectors: [{name: rows, type: database, config: {driver: postgres, dsn: "%(dsn)s"}}]
    steps: [{name: ask, connector: rows, action: query, input: {sql: select 1}}]
"""
)
LISTENING = (
    HEAD
    + """\
  - {name: spans, type: observability.otel, config: {endpoint: "%(address)s"}}
workflows:
  pipelines: {weigh: {steps: [{set: {weighed: true}}]}}
"""
)
BROKERS = {
    "messaging.nats": '{url: "nats://%(address)s"}',
    "messaging.kafka": '{brokers: "%(address)s"}',
}
BY_BROKER = (
    HEAD
    + """\
  - {name: post, type: %(kind)s, config: %(config)s}
  - {name: inbox, type: messaging.handler}
workflows:
  messaging: {broker: post, subscriptions: [{topic: heard, handler: inbox}]}
  pipelines: {announce: {steps: [{emit: said}]}}
"""
)
SENDERS = {
    **dict.fromkeys(("webhook", "slack", "client", "bucket", "integration"), "http.forbidden_target"),
    **dict.fromkeys(("database", "databases"), "database.forbidden_target"),
    "cache": "cache.forbidden_target",
}


@pytest.fixture
async def inside(settings):
    """Where nobody may go, and deployments allow no exception."""
    settings.OUTBOUND_ALLOW = []
    async with untouched() as place:
        yield place
        assert place.visits == 0


@pytest.fixture
def _nobody_else(database):
    """Leave no consumers to other tests, whose workers would look for these brokers."""
    yield
    with psycopg.connect(database.superuser_url) as admin:
        admin.execute("delete from runs_consumer")


def written(text, place):
    return text % {
        "url": f"http://{place.address}",
        "dsn": f"postgres://a:b@{place.address}/c",
        "address": place.address,
    }


async def test_every_type_that_sends_is_refused_a_private_target_for_good(two_tenants, inside):
    async with working():
        for tenant in two_tenants:
            workflow = await deployed(tenant, "out", written(TEXT, inside))
            for name, code in SENDERS.items():
                run = await ended(tenant, await start(tenant, workflow, name, {"text": "hi"}))
                assert (name, run["state"], run["error"]["code"]) == (name, "failed", code)


async def test_no_proxy_passes_on_to_a_private_backend_and_health_asks_no_private_database(two_tenants, inside):
    async with serving() as ingress:
        for tenant in two_tenants:
            await deployed(tenant, "out", written(TEXT, inside))
            for path in ("simple", "proxy", "reverse"):
                reply = await request(ingress, "GET", f"/w/{tenant.slug}/out/{path}")
                assert (reply.status, reply.json()["error"]) == (502, "127.0.0.1 is a private address.")
            health = (await request(ingress, "GET", f"/w/{tenant.slug}/out/health")).json()
            told = {health["checks"][name]["status"] for name in ("by-database", "by-databases")}
            assert "healthy" not in told


async def test_an_integration_asks_no_private_database(two_tenants, inside):
    async with working():
        for tenant in two_tenants:
            workflow = await deployed(tenant, "out", written(BY_DATABASE, inside))
            run = await ended(tenant, await start(tenant, workflow, "integration", {}))
            assert (run["state"], run["error"]["code"]) == ("failed", "database.forbidden_target")


async def test_no_span_goes_to_a_private_collector(two_tenants, inside):
    async with working():
        for tenant in two_tenants:
            workflow = await deployed(tenant, "out", written(LISTENING, inside))
            await ended(tenant, await start(tenant, workflow, "weigh", {}))
            (listed,) = await ended_of(tenant, "message", 1)
            run = await ended(tenant, listed["id"])
            assert (run["state"], run["error"]["code"]) == ("failed", "http.forbidden_target")


@pytest.mark.usefixtures("_nobody_else")
@pytest.mark.parametrize("kind", BROKERS)
async def test_nothing_is_published_to_a_private_broker_and_nobody_listens_to_one(two_tenants, inside, kind):
    document = BY_BROKER % {"kind": kind, "config": written(BROKERS[kind], inside)}
    async with working():
        for tenant in two_tenants:
            workflow = await deployed(tenant, "out", document)
            await ended(tenant, await start(tenant, workflow, "announce", {}))
            (listed,) = await ended_of(tenant, "message", 1)
            run = await ended(tenant, listed["id"])
            assert (run["state"], run["error"]["code"]) == ("failed", "broker.forbidden_target")
