"""Keys that identify people can be compared in the database, and not read there."""

import base64

import psycopg
import pytest

from apps.engine.ids import uuid7
from apps.engine.ports import AlreadyExists, PrivateKind, Resource
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.applications import Applications
from apps.runs.operations.services import services_make
from tests.integration.runs.test_ports import Hosted

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.14", "auth.jwt")

USERS = PrivateKind("auth.jwt:users")
EMAIL = "ada@example.com"


@pytest.fixture
async def host(database):
    services = services_make(Applications())
    await services.start()
    yield Hosted(database, services)
    await services.close()


def keys_of(database, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute("select key from runs_storedresource where tenant_id = %s", [tenant.id])
        return [row[0] for row in found]


def earlier_release(database, host, tenant, data=b'{"n":1}'):
    """Write a user as a release before this one did."""
    _, environment, workflow = host.place(tenant).scope
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute(
            "insert into runs_storedresource (id, tenant_id, environment_id, workflow_id, kind, key, data, created_at,"
            " updated_at) values (%s, %s, %s, %s, %s, %s, %s, now(), now())",
            [uuid7(), tenant.id, environment, workflow, str(USERS), EMAIL, data],
        )


async def test_no_key_of_a_private_kind_is_stored_as_it_was_given(database, two_tenants, host):
    for tenant in two_tenants:
        async with host.unit(tenant) as unit:
            await unit.resources.create(Resource(USERS, EMAIL, {"email": EMAIL}))
    ((mine,), (theirs,)) = [keys_of(database, tenant) for tenant in two_tenants]
    assert EMAIL not in (mine, theirs)
    assert mine != theirs


async def test_a_row_of_an_earlier_release_is_found_is_taken_and_loses_its_readable_key_when_saved(
    database, two_tenants, host
):
    tenant, other = two_tenants
    await in_thread(earlier_release, database, host, tenant)
    with pytest.raises(AlreadyExists):
        async with host.unit(tenant) as unit:
            await unit.resources.create(Resource(USERS, EMAIL, {"n": 2}))
    async with host.unit(tenant) as unit:
        found = await unit.resources.get(USERS, EMAIL, lock=True)
        assert (found.key, found.data) == (EMAIL, {"n": 1})
        found.data = {"n": 3}
        await unit.resources.save(found)
    (key,) = keys_of(database, tenant)
    assert key.startswith("blind:")
    async with host.unit(tenant) as unit:
        assert (await unit.resources.get(USERS, EMAIL)).data == {"n": 3}
    async with host.unit(other) as unit:
        assert await unit.resources.get(USERS, EMAIL) is None


async def test_a_user_is_found_and_is_taken_after_the_master_key_was_changed(database, two_tenants, host, settings):
    tenant, _ = two_tenants
    old, new = (base64.b64encode(letter * 32).decode() for letter in (b"a", b"b"))
    settings.ENCRYPTION_KEYS = [old]
    async with host.unit(tenant) as unit:
        await unit.resources.create(Resource(USERS, EMAIL, {"n": 1}))
    settings.ENCRYPTION_KEYS = [new, old]
    with pytest.raises(AlreadyExists):
        async with host.unit(tenant) as unit:
            await unit.resources.create(Resource(USERS, EMAIL, {"n": 2}))
    async with host.unit(tenant) as unit:
        found = await unit.resources.get(USERS, EMAIL, lock=True)
        await unit.resources.save(found)
    settings.ENCRYPTION_KEYS = [new]
    async with host.unit(tenant) as unit:
        assert (await unit.resources.get(USERS, EMAIL)).data == {"n": 1}
    assert len(keys_of(database, tenant)) == 1


async def test_somebody_who_has_read_an_index_cannot_ask_for_its_row_by_it(database, two_tenants, host):
    tenant, _ = two_tenants
    async with host.unit(tenant) as unit:
        await unit.resources.create(Resource(USERS, EMAIL, {"n": 1}))
    (key,) = keys_of(database, tenant)
    async with host.unit(tenant) as unit:
        assert await unit.resources.get(USERS, key) is None
