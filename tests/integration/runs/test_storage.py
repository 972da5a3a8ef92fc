"""`storage.s3` as a handler of messages in the hosted product: with each tenant's keys, and past the guard."""

import pytest

from apps.core.scope import scope
from apps.engine.local.outside import OutboundHttp
from apps.modules.catalog.storage.storage_s3 import StorageS3
from apps.runs.adapters.threads import in_thread
from apps.tenants.operations.secrets import secret_set
from tests.integration.runs.documents import HEAD
from tests.support.object_store import object_store
from tests.support.runs import ended, ended_of
from tests.support.serving import deployed, request, serving, working
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import MemoryUnit

pytestmark = [pytest.mark.spec("storage.s3", "CAT-B1"), pytest.mark.proven("storage.s3", "moto_server")]

DOCUMENT = (
    HEAD
    + """\
  - {name: broker, type: messaging.broker}
  - name: store
    type: storage.s3
    config: {bucket: shop, endpoint: "%(url)s", accessKeyId: "${S3_ID}", secretAccessKey: "${S3_KEY}"}
workflows:
  http:
    routes: [{method: POST, path: /orders, handler: take}]
  pipelines:
    take:
      steps:
        - emit: order.placed
        - respond: {status: 202, body: {}}
  messaging:
    subscriptions: [{topic: "order.*", handler: store}]
"""
)


@pytest.fixture(scope="module")
def service():
    with object_store("shop") as running:
        yield running


def secrets_of(tenant, keys):
    with scope(tenant.id, tenant.actor):
        for name, key in (("S3_ID", "accessKeyId"), ("S3_KEY", "secretAccessKey")):
            secret_set(environment="prod", name=name, value=keys[key], actor=tenant.actor)


async def stored(service):
    """Return every object of the bucket."""
    unit = MemoryUnit()
    unit.http = OutboundHttp()
    store = make(StorageS3, {"bucket": "shop", "endpoint": service.url} | service.keys)
    keys = [item["key"] for item in (await store.run({"action": "list"}, unit.context()))["items"]]
    found = [(key, (await store.run({"action": "get", "key": key}, unit.context()))["body"]) for key in keys]
    await unit.http.close()
    return found


async def test_each_tenant_s_messages_become_objects_of_its_own_and_no_key_is_kept(two_tenants, service, settings):
    settings.OUTBOUND_ALLOW = [service.url.removeprefix("http://")]
    async with serving() as ingress, working():
        for number, tenant in enumerate(two_tenants):
            await in_thread(lambda tenant=tenant: secrets_of(tenant, service.keys))
            await deployed(tenant, "shop", DOCUMENT % {"url": service.url})
            reply = await request(ingress, "POST", f"/w/{tenant.slug}/shop/orders", {"number": number})
            assert reply.status == 202
            (run,) = await ended_of(tenant, "message", 1)
            assert (run["state"], service.keys["secretAccessKey"] in str(run)) == ("done", False)
    found = await stored(service)
    assert sorted(body["number"] for _, body in found) == [0, 1]
    assert all("order.placed/" in key for key, _ in found)


async def test_a_bucket_on_a_private_address_is_not_reached_without_the_deployment_s_leave(
    two_tenants, service, settings
):
    tenant, _ = two_tenants
    settings.OUTBOUND_ALLOW = []
    before = len(await stored(service))
    await in_thread(secrets_of, tenant, service.keys)
    await deployed(tenant, "shop", DOCUMENT % {"url": service.url})
    async with serving() as ingress, working():
        assert (await request(ingress, "POST", f"/w/{tenant.slug}/shop/orders", {"number": 7})).status == 202
        (listed,) = await ended_of(tenant, "message", 1)
        run = await ended(tenant, listed["id"])
    assert (run["state"], run["error"]["code"]) == ("failed", "http.forbidden_target")
    assert len(await stored(service)) == before
