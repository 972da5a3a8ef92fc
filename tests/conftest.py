"""Fixtures that every test may use; the database and the tenants are described in `tests/support`."""

from collections.abc import Iterator

import pytest
from django.db import connections
from hypothesis import settings

from tests.support.database import TestDatabase, test_database
from tests.support.isolation import examples
from tests.support.tenants import TenantFixture, make_tenant

settings.register_profile("weft", deadline=None)  # how long an example takes says more about the machine than about us
settings.load_profile("weft")

pytest_plugins = ["tests.support.spec_plugin"]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: object) -> Iterator[TestDatabase]:
    """Replace Django's own test database by a copy of the migrated template."""
    with django_db_blocker.unblock(), test_database() as made:
        yield made


@pytest.fixture
def database(django_db_setup: TestDatabase, django_db_blocker: object) -> Iterator[TestDatabase]:
    """Open the database to one test; what it commits stays."""
    with django_db_blocker.unblock():
        yield django_db_setup
        connections.close_all()


@pytest.fixture
def two_tenants(database: TestDatabase) -> tuple[TenantFixture, TenantFixture]:
    """Make two fresh tenants, A and B, each with an owner, an API key, a project and three environments."""
    return make_tenant("a"), make_tenant("b")


@pytest.fixture
def filled_tenants(two_tenants: tuple[TenantFixture, TenantFixture]) -> tuple[TenantFixture, TenantFixture]:
    """Make for both tenants a row of every table that an example is registered for."""
    for tenant in two_tenants:
        for maker in dict.fromkeys(examples().rows.values()):
            maker(tenant)
    return two_tenants
