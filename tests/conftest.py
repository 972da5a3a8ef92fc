"""Fixtures that every test may use; the database and the tenants are described in `tests/support`."""

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from django.db import connection, connections
from hypothesis import settings

from apps.core.changes import listener
from apps.modules.catalog.auth import _users, auth_jwt, auth_modular
from tests.support.database import TestDatabase, close_connections, test_database
from tests.support.isolation import examples
from tests.support.tenant_copies import TenantCopies, tenant_copies
from tests.support.tenants import TenantFixture

settings.register_profile("weft", deadline=None)  # how long an example takes says more about the machine than about us
settings.load_profile("weft")

pytest_plugins = ["tests.support.spec_plugin"]


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Keep users' passwords as those of members are kept in tests: the shipped cost is most of a test that signs in."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        for module in (_users, auth_jwt, auth_modular):
            patch.setattr(module, "hasher", cheap)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: object) -> Iterator[TestDatabase]:
    """Replace Django's own test database by a copy of the migrated template."""
    with django_db_blocker.unblock(), test_database() as made:
        yield made
        listener.stop()  # whoever serves in this process has started it, and it would miss its database


@pytest.fixture
def database(django_db_setup: TestDatabase, django_db_blocker: object) -> Iterator[TestDatabase]:
    """Open the database to one test; what it commits stays."""
    with django_db_blocker.unblock():
        yield django_db_setup
        connections.close_all()


@pytest.fixture
def move_clock(database: TestDatabase) -> Iterator[Callable[[str], None]]:
    """Move the database's clock for this thread's present connection, by an interval such as `8 days`."""

    def move(interval: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select set_config('app.clock_offset', %s, false)", [interval])

    yield move
    close_connections()


@pytest.fixture(scope="session")
def copies(django_db_setup: TestDatabase, django_db_blocker: object) -> Iterator[TenantCopies]:
    """Make the tenant of which every test gets copies."""
    with django_db_blocker.unblock(), tenant_copies(django_db_setup) as making:
        connections.close_all()
        yield making


@pytest.fixture
def two_tenants(database: TestDatabase, copies: TenantCopies) -> tuple[TenantFixture, TenantFixture]:
    """Make two fresh tenants, A and B, each with an owner, an API key, a project and three environments."""
    first, second = copies.make(("a", "b"))
    return first, second


@pytest.fixture
def filled_tenants(two_tenants: tuple[TenantFixture, TenantFixture]) -> tuple[TenantFixture, TenantFixture]:
    """Make for both tenants a row of every table that an example is registered for."""
    for tenant in two_tenants:
        for maker in dict.fromkeys(examples().rows.values()):
            maker(tenant)
    return two_tenants
