"""One running product for all tests that use it as its customers do."""

import pytest

from tests.support.hosted import HostedWorkflow, open_tenants
from tests.support.running_product import running_product


@pytest.fixture(scope="session")
def hosted(tmp_path_factory):
    """Start the product without demo traffic."""
    with running_product(tmp_path_factory.mktemp("hosted") / "product", "--quiet") as running:
        yield running


@pytest.fixture(scope="session")
def tenants(hosted):
    """Return the demo tenants, A and B, each by its owner's key."""
    return open_tenants(hosted.url)


@pytest.fixture
def deploy_pair(tenants):
    """Return a function that puts one document live in both tenants until the test ends."""
    live: list[HostedWorkflow] = []

    def deploy(name, text):
        pair = [tenant.deploy(name, text) for tenant in tenants]
        live.extend(pair)
        return pair

    yield deploy
    for workflow in live:
        workflow.retire()
