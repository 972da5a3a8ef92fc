"""`storage.s3` against a service that speaks S3 and checks signatures, over real connections."""

import json

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.local.outside import OutboundHttp
from apps.engine.outcome import StepFailed
from apps.engine.testing import Bench
from apps.modules.catalog.storage.storage_s3 import StorageS3
from apps.modules.queries import registry
from tests.support.object_store import object_store
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("storage.s3"), pytest.mark.proven("storage.s3", "moto_server")]

PLACE = {"bucket": "shop-orders"}


@pytest.fixture(scope="module")
def service():
    with object_store(PLACE["bucket"]) as running:
        yield running


@pytest.fixture
async def asking(service, unit):
    unit.http = OutboundHttp()
    store = make(StorageS3, PLACE | {"endpoint": service.url} | service.keys)
    yield lambda **payload: store.run(payload, unit.context())
    await unit.http.close()


@pytest.mark.parametrize("key", ["a/b.json", "with space/ü+&=?#%41.txt", "~tilde$,;@!*'()"])
async def test_what_is_put_is_got_listed_and_deleted(asking, key):
    put = await asking(action="put", key=key, body={"n": [1, "ü"]})
    found = await asking(action="get", key=key)
    assert found == {
        "key": key,
        "body": {"n": [1, "ü"]},
        "contentType": "application/json",
        "size": 14,
        "etag": put["etag"],
    }
    (item,) = (await asking(action="list", prefix=key))["items"]
    assert (item["key"], item["size"], item["etag"]) == (key, 14, put["etag"])
    assert await asking(action="delete", key=key) == {"key": key, "deleted": True}
    assert await asking(action="get", key=key) is None
    assert await asking(action="delete", key=key) == {"key": key, "deleted": True}


async def test_bytes_come_back_as_they_were(asking):
    await asking(action="put", key="b", body="/wD+", encoding="base64", contentType="image/png")
    found = await asking(action="get", key="b")
    assert (found["body"], found["encoding"], found["contentType"]) == ("/wD+", "base64", "image/png")


async def test_a_list_goes_on_where_it_ended(asking):
    for name in "abc":
        await asking(action="put", key=f"page/{name}", body="x")
    first = await asking(action="list", prefix="page/", limit=2)
    assert ([item["key"] for item in first["items"]], first["isTruncated"]) == (["page/a", "page/b"], True)
    rest = await asking(action="list", prefix="page/", after="page/b")
    assert ([item["key"] for item in rest["items"]], rest["isTruncated"]) == (["page/c"], False)


async def test_a_bucket_that_is_not_there_fails_the_step(service, unit):
    unit.http = OutboundHttp()
    store = make(StorageS3, {"bucket": "nobodys", "endpoint": service.url} | service.keys)
    with pytest.raises(StepFailed) as failure:
        await store.run({"action": "get", "key": "k"}, unit.context())
    await unit.http.close()
    assert (failure.value.code, failure.value.data["code"]) == ("s3.refused", "NoSuchBucket")


@pytest.mark.parametrize(
    ("change", "code"),
    [({"secretAccessKey": "another"}, "SignatureDoesNotMatch"), ({"accessKeyId": "AKIANOBODY"}, "InvalidAccessKeyId")],
)
async def test_what_is_signed_with_the_wrong_keys_is_refused(service, unit, change, code):
    unit.http = OutboundHttp()
    store = make(StorageS3, PLACE | {"endpoint": service.url} | service.keys | change)
    with pytest.raises(StepFailed) as failure:
        await store.run({"action": "get", "key": "k"}, unit.context())
    await unit.http.close()
    assert failure.value.data["code"] == code


async def test_messages_are_found_under_their_topic(service, asking):
    document = f"""
modules:
  - {{name: bus, type: messaging.broker}}
  - name: store
    type: storage.s3
    config: {json.dumps(PLACE | {"endpoint": service.url} | service.keys)}
workflows:
  messaging: {{subscriptions: [{{topic: 'order.*', handler: store}}]}}
"""
    http = OutboundHttp()
    async with Bench(compile_document(load(document).document, registry()), http=http) as bench:
        async with bench.host.unit() as unit:
            unit.broker.publish("order.paid", {"id": 7})
        await bench.settle()
        assert bench.host.bugs == []
    await http.close()
    (item,) = (await asking(action="list", prefix="order.paid/"))["items"]
    assert (await asking(action="get", key=item["key"]))["body"] == {"id": 7}
