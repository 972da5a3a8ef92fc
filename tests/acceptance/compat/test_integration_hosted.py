"""The reference document of integrations in the hosted product, for two tenants apart, against real partners."""

import pytest

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.runs import run_list
from apps.tenants.operations.secrets import secret_set
from tests.support.integration_story import (
    ORDER,
    SECRETS,
    be_good,
    check_failed_payment,
    check_good,
    pointed_at,
)
from tests.support.runs import ended, start
from tests.support.serving import deployed, request, serving, working
from tests.support.upstream import Said, upstream

pytestmark = pytest.mark.spec("D22", "D29", "integration.registry", "CAT-1")


@pytest.fixture
def partner(settings):
    with upstream() as opened:
        settings.OUTBOUND_ALLOW = [opened.address]
        be_good(opened)
        yield opened


@pytest.fixture
def put_live(document):
    """Return a function that sets a tenant's secrets and deploys the document."""
    text = document("integration-workflow").read_text(encoding="utf-8")

    async def put(tenant, url, **options):
        def set_secrets():
            with scope(tenant.id, tenant.actor):
                for name, value in SECRETS.items():
                    secret_set(environment="prod", name=name, value=value, actor=tenant.actor)

        await in_thread(set_secrets)
        return await deployed(tenant, "integrations", pointed_at(text, url, **options))

    return put


def runs_of(tenant):
    with scope(tenant.id, tenant.actor):
        return run_list().items


async def test_its_five_steps_run_for_the_tenant_that_asks_and_no_other(two_tenants, partner, put_live):
    first, second = two_tenants
    for tenant in two_tenants:
        await put_live(tenant, partner.url)
    async with serving() as ingress, working():
        path = f"/w/{first.slug}/integrations/api/integrations/integration-registry/execute?wait=30"
        answer = await request(ingress, "POST", path, ORDER)
        assert answer.status == 200, answer.body
        check_good(partner, answer.json()["output"])
        run = await ended(first, answer.json()["runId"])
    assert [step["name"] for step in run["steps"]][:2] == ["check-customer", "check-inventory"]
    assert not any(secret in str(run) for secret in SECRETS.values() if secret != "shop")
    assert await in_thread(runs_of, second) == []


async def test_a_failed_payment_is_tried_again_and_leaves_its_error_behind(two_tenants, partner, put_live):
    partner.say("POST /payments/transactions", Said(503, {"why": "later"}))
    tenant, other = two_tenants
    workflow = await put_live(tenant, partner.url)
    async with working():
        run = await ended(tenant, await start(tenant, workflow, "integration", ORDER), timeout=30.0)
    assert run["state"] == "done", run["error"]
    check_failed_payment(partner, run["output"])
    assert await in_thread(runs_of, other) == []


async def test_a_private_address_is_refused_unless_the_connector_allows_it(two_tenants, partner, put_live):
    tenant, other = two_tenants
    workflow = await put_live(tenant, partner.url, private=False)
    async with working():
        run = await ended(tenant, await start(tenant, workflow, "integration", ORDER))
    assert partner.calls == []
    assert run["output"]["check-customer_error"] == "127.0.0.1 is a private address."
    assert (run["state"], run["error"]["code"]) == ("failed", "http.forbidden_target")
    assert await in_thread(runs_of, other) == []
