"""Proxies and integrations in the hosted product: private targets need the deployment's leave; tenants stay apart."""

import pytest

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.runs import run_list
from apps.tenants.operations.secrets import secret_set
from tests.integration.runs.documents import HEAD
from tests.support.runs import ended, ended_of, start
from tests.support.serving import deployed, request, serving, working
from tests.support.upstream import Said, upstream

pytestmark = pytest.mark.spec("D29", "integration.registry", "http.proxy")

PROXY = (
    HEAD
    + """\
  - {name: simple, type: http.simple_proxy, config: {targets: {/simple: "%(url)s/s"}}}
  - name: gate
    type: reverseproxy
    config:
      backend_services: {shop: "%(url)s"}
      routes: {/shop/*: shop}
      circuit_breaker: {enabled: true, failure_threshold: 1, open_timeout: 1h}
workflows:
  http:
    routes:
      - {method: GET, path: "/simple/{rest...}", handler: simple}
      - {method: POST, path: "/simple/{rest...}", handler: simple}
"""
)
INTEGRATION = (
    HEAD
    + """\
  - {name: hub, type: integration.registry}
  - {name: broker, type: messaging.broker}
  - {name: inbox, type: messaging.handler}
workflows:
  http: {routes: []}
  messaging:
    subscriptions:
      - {topic: "workflow.integration.step.**", handler: inbox}
      - {topic: events.paid, handler: inbox}
  integration:
    registry: hub
    connectors:
      - {name: events, type: webhook, config: {path: /hooks}}
      - {name: stock, type: database, config: {driver: sqlite, dsn: stock}}
      - name: crm
        type: http
        config: {baseURL: "%(url)s", authType: bearer, token: "${CRM_TOKEN}", allowPrivateIPs: %(private)s}
    steps:
      - name: make
        connector: stock
        action: execute
        input: {sql: "create table if not exists names (name text)"}
      - name: look-up
        connector: crm
        action: "POST /look/{id}"
        input: {id: "${data.id}"}
        retryCount: 1
        retryDelay: 10ms
      - {name: keep, connector: stock, action: insert, input: {table: names, data: {name: "${look-up.name}"}}}
      - {name: read, connector: stock, action: query, input: {sql: "select name from names"}}
"""
)


@pytest.fixture
def partner(settings):
    """A partner on loopback that the deployment lets tenants reach."""
    with upstream() as opened:
        settings.OUTBOUND_ALLOW = [opened.address]
        yield opened


def addressed(tenant, path):
    return f"/w/{tenant.slug}/out{path}"


async def put_secret(tenant, value):
    def put():
        with scope(tenant.id, tenant.actor):
            secret_set(environment="prod", name="CRM_TOKEN", value=value, actor=tenant.actor)

    await in_thread(put)


@pytest.mark.spec("CAT-B1")
async def test_a_proxy_passes_on_what_each_tenant_sends_and_large_answers_come_whole(two_tenants, partner):
    large = b"x" * (3 * 1024 * 1024)
    partner.say("POST /s/simple/a", Said(201, large, (("X-Kept", "1"), ("Connection", "close"))))
    async with serving() as ingress:
        for tenant in two_tenants:
            await deployed(tenant, "out", PROXY % {"url": partner.url})
            headers = {"x-forwarded-for": "6.6.6.6"}
            reply = await request(ingress, "POST", addressed(tenant, "/simple/a?b=c"), {"n": 1}, headers=headers)
            assert (reply.status, reply.body == large, reply.headers["x-kept"]) == (201, True, "1")
            sent = partner.calls[-1]
            assert (sent.path, sent.json) == ("/s/simple/a?b=c", {"n": 1})
            assert (sent.headers["host"], sent.headers["x-forwarded-host"]) == (partner.address, "localhost")
            assert (sent.headers["x-forwarded-for"], sent.headers["x-forwarded-prefix"]) == (
                "10.0.0.1",
                f"/w/{tenant.slug}/out",
            )
    assert len(partner.calls) == 2


async def test_a_breaker_of_one_tenant_leaves_the_other_alone(two_tenants, partner):
    first, second = two_tenants
    partner.say("GET /shop/a", Said(500), Said(200, {"ok": True}))
    async with serving() as ingress:
        for tenant in two_tenants:
            await deployed(tenant, "out", PROXY % {"url": partner.url})
        states = [(await request(ingress, "GET", addressed(each, "/shop/a"))).status for each in (first, first, second)]
    assert states == [500, 503, 200]


async def test_a_private_backend_that_the_deployment_does_not_list_is_a_bad_gateway(two_tenants, partner, settings):
    tenant, _ = two_tenants
    settings.OUTBOUND_ALLOW = []
    await deployed(tenant, "out", PROXY % {"url": partner.url})
    async with serving() as ingress:
        for path in ("/simple/a", "/shop/a"):
            reply = await request(ingress, "GET", addressed(tenant, path))
            assert (reply.status, reply.json()["error"]) == (502, "127.0.0.1 is a private address.")
    assert partner.calls == []


@pytest.mark.spec("D22", "CAT-B2")
async def test_each_tenant_s_integration_has_its_own_secrets_rows_and_events(two_tenants, partner):
    partner.say("POST /look/7", Said(503), Said(200, {"name": "Ann"}))
    async with working():
        for number, tenant in enumerate(two_tenants):
            await put_secret(tenant, f"token-{number}")
            workflow = await deployed(tenant, "out", INTEGRATION % {"url": partner.url, "private": "true"})
            run = await ended(tenant, await start(tenant, workflow, "integration", {"id": 7}))
            assert run["state"] == "done", run["error"]
            assert run["output"]["look-up"] == {"name": "Ann", "statusCode": 200}
            assert run["output"]["read"]["rows"] == [{"name": "Ann"}]
            assert "token-" not in str(run)
            heard = await ended_of(tenant, "message", 8)
            assert {each["state"] for each in heard} == {"done"}
    tokens = [asked.headers["authorization"] for asked in partner.calls]
    assert tokens == ["Bearer token-0", "Bearer token-0", "Bearer token-1"]
    keys = [asked.headers["idempotency-key"] for asked in partner.calls]
    assert (keys[0] == keys[1], keys[1] == keys[2]) == (True, False)


@pytest.mark.parametrize(("private", "listed"), [("true", False), ("false", True)])
async def test_a_private_partner_needs_both_the_connector_and_the_deployment(
    two_tenants, partner, settings, private, listed
):
    tenant, other = two_tenants
    settings.OUTBOUND_ALLOW = [partner.address] if listed else []
    await put_secret(tenant, "t0ken")
    workflow = await deployed(tenant, "out", INTEGRATION % {"url": partner.url, "private": private})
    async with working():
        run = await ended(tenant, await start(tenant, workflow, "hub", {"id": 7}))
    assert (run["state"], run["error"]["code"]) == ("failed", "http.forbidden_target")
    assert (run["error"]["step"], run["output"]["id"]) == ("look-up", 7)
    assert partner.calls == []
    assert await in_thread(_runs, other) == []


def _runs(tenant):
    with scope(tenant.id, tenant.actor):
        return run_list().items


async def test_a_webhook_connector_is_served_at_the_tenant_s_own_address(two_tenants, partner):
    async with serving() as ingress, working():
        for tenant in two_tenants:
            await put_secret(tenant, "t0ken")
            await deployed(tenant, "out", INTEGRATION % {"url": partner.url, "private": "true"})
        first, second = two_tenants
        taken = await request(ingress, "POST", addressed(first, "/hooks"), {"type": "paid", "n": 1})
        assert (taken.status, taken.json()["status"]) == (202, "accepted")
        unknown = await request(ingress, "POST", addressed(first, "/hooks"), {"type": "lost"})
        assert (unknown.status, unknown.json()["code"]) == (501, "webhook.no_handler")
        assert (await request(ingress, "GET", addressed(first, "/hooks"))).status == 405
        (run,) = await ended_of(first, "message", 1)
        assert (await ended(first, run["id"]))["input"] == {"type": "paid", "n": 1}
        assert [run for run in await in_thread(_runs, second) if run["source"] == "message"] == []
