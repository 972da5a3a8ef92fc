"""One running product for all tests that use it as its customers do."""

import pytest

from apps.core.management.local.ports import any_free
from tests.support.hosted import HostedWorkflow, open_tenants
from tests.support.prepared_product import prepared_product
from tests.support.shop import bank_and_carrier


def pytest_collection_modifyitems(items):
    """Let the files that need the product come last, one after the other: it costs while it only waits, too."""
    with_product = {item.path for item in items if "hosted" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path in with_product)


@pytest.fixture(scope="session")
def shop_partners():
    """Start the bank and the carrier of the shop."""
    with bank_and_carrier() as partners:
        yield partners


@pytest.fixture(scope="session")
def hosted(tmp_path_factory, shop_partners):
    """Start the product without demo traffic; its workflows may call the shop's partners."""
    folder = tmp_path_factory.mktemp("hosted") / "product"
    allowed = {"OUTBOUND_ALLOW": shop_partners.address}
    options = ("--quiet", "--port", str(any_free()))
    with prepared_product(folder, *options, environment=allowed, keeps_ports=True) as running:
        yield running


@pytest.fixture(scope="session")
def tenants(hosted):
    """Return the demo tenants, A and B, each by its owner's key."""
    return open_tenants(hosted.url)


@pytest.fixture
def deploy_pair(tenants):
    """Return a function that puts one document live in both tenants until the test ends, in prod or also elsewhere."""
    live: list[HostedWorkflow] = []

    def deploy(name, text, environments=("prod",)):
        pair = [tenant.deploy(name, text, environments) for tenant in tenants]
        live.extend(pair)
        return pair

    yield deploy
    for workflow in live:
        workflow.retire()
