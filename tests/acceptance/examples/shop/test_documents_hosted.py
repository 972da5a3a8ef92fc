"""Each document of the shop does its part in a running product, for two tenants that see nothing of each other."""

import pytest

from tests.acceptance.examples.places import HostedPlace
from tests.acceptance.examples.shop.scenarios import SCENARIOS
from tests.support.hosted import assert_unseen
from tests.support.shop import SHOP

pytestmark = [pytest.mark.spec("SPINE-3", "SPINE-B7"), pytest.mark.slow]


@pytest.fixture
def secrets(tenants, shop_partners):
    for tenant in tenants:
        for environment in ("prod", "dev"):
            for name, value in shop_partners.secrets.items():
                put = tenant.call("PUT", f"environments/{environment}/secrets/{name}", {"value": value})
                assert put.status == 204, put.body


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_the_document_does_what_it_says_for_each_tenant(tenants, deploy_pair, name):
    first, second = deploy_pair(f"shop-{name}", (SHOP / f"{name}.yaml").read_text(encoding="utf-8"))
    await SCENARIOS[name](HostedPlace(first))
    assert (second.runs(), second.instances(), second.messages()) == ([], [], [])
    await SCENARIOS[name](HostedPlace(second))
    assert_unseen(first, tenants[1])
    assert_unseen(second, tenants[0])
