"""Two tenants with a row in every table."""

import pytest

from tests.support.isolation import examples
from tests.support.tenants import TenantFixture


@pytest.fixture
def filled_tenants(two_tenants: tuple[TenantFixture, TenantFixture]) -> tuple[TenantFixture, TenantFixture]:
    """Make for both tenants a row of every table that an example is registered for."""
    for tenant in two_tenants:
        for maker in dict.fromkeys(examples().rows.values()):
            maker(tenant)
    return two_tenants
