"""Stored objects and instances whose texts the original product had encrypted, in a hosted environment."""

import pytest

from apps.core.scope import SYSTEM, scope
from apps.engine.ports import Instance, Resource
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.applications import Applications
from apps.runs.operations.services import services_make
from apps.tenants.operations.secrets import secret_set
from tests.integration.runs.documents import NOTES
from tests.integration.runs.test_ports import Hosted
from tests.support.serving import deployed, request
from tests.unit.runs.test_old_encryption import old

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.14", "D24")

KEY = "a key of any length"


@pytest.fixture
async def host(database):
    services = services_make(Applications())
    await services.start()
    yield Hosted(database, services)
    await services.close()


async def set_key(tenant, value=KEY):
    def do():
        with scope(tenant.id, SYSTEM):
            secret_set(environment="prod", name="ENCRYPTION_KEY", value=value, actor=SYSTEM)

    await in_thread(do)


async def test_old_texts_are_read_where_the_tenant_has_set_the_key_and_stay_as_they_are_elsewhere(two_tenants, host):
    tenant, other = two_tenants
    await set_key(tenant)
    data = {"name": old("Ada"), "messages": [{"body": old("hello")}]}
    for each in two_tenants:
        async with host.unit(each) as unit:
            await unit.resources.create(Resource("people", "1", data))
            await unit.instances.create(Instance("case", "1", "open", data=data))
    read = {"name": "Ada", "messages": [{"body": "hello"}]}
    for each, expected in ((tenant, read), (other, data)):
        async with host.unit(each) as unit:
            assert (await unit.resources.get("people", "1")).data == expected
            assert [found.data for found in await unit.resources.page("people")] == [expected]
            assert (await unit.instances.get("case", "1")).data == expected


async def test_with_another_key_they_stay_as_they_are(two_tenants, host):
    tenant, _ = two_tenants
    await set_key(tenant, "another")
    data = {"name": old("Ada")}
    async with host.unit(tenant) as unit:
        await unit.resources.create(Resource("people", "1", data))
    async with host.unit(tenant) as unit:
        assert (await unit.resources.get("people", "1")).data == data


@pytest.mark.parametrize("has_key", [False, True])
async def test_a_users_own_text_that_begins_like_one_is_stored_and_read_back_unchanged(two_tenants, ingress, has_key):
    for tenant in two_tenants:
        await deployed(tenant, "notes", NOTES)
        if has_key:
            await set_key(tenant)
        path = f"/w/{tenant.slug}/notes/notes"
        texts = ["enc::", "enc::hello", "enc::aGVsbG8=", old("of another key", "another")]
        await request(ingress, "POST", path, {"id": "1", "texts": texts})
        (found,) = (await request(ingress, "GET", path)).json()
        assert found["data"]["texts"] == texts
