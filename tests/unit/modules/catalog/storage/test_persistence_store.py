import uuid

import pytest

from apps.engine.outcome import Rejected
from apps.modules.catalog.storage.persistence_store import PersistenceStore
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "persistence.store")


async def do(unit, config=None, **request):
    return await make(PersistenceStore, config, "archive").run({"type": "orders", **request}, unit.context())


async def test_what_is_saved_can_be_read_listed_and_deleted(unit):
    saved = await do(unit, action="save", id=1, data={"total": 3}, state="new")
    assert saved == {"id": "1", "data": {"total": 3}, "state": "new"}
    assert await do(unit, action="get", id="1") == saved
    await do(unit, id="2", data={})
    assert [item["id"] for item in (await do(unit, action="list", limit="1"))["items"]] == ["1"]
    assert await do(unit, action="list", after="1") == {"items": [{"id": "2", "data": {}}], "count": 1}
    assert await do(unit, action="delete", id="1") == {"id": "1", "deleted": True}
    assert await do(unit, action="delete", id="1") == {"id": "1", "deleted": False}
    assert await do(unit, action="get", id="1") is None


async def test_a_repeat_of_the_same_step_saves_the_same_object(unit):
    store, step = make(PersistenceStore, name="archive"), uuid.uuid4()
    first = await store.run({"type": "orders", "data": {}}, unit.context(step_id=step))
    again = await store.run({"type": "orders", "data": {}}, unit.context(step_id=step))
    other = await store.run({"type": "orders", "data": {}}, unit.context())
    assert first["id"] == again["id"] != other["id"]


async def test_stores_are_apart_unless_they_share_with_the_rest_resources(unit):
    await do(unit, id="1", data={})
    await do(unit, {"shared": True}, id="2", data={})
    assert sorted(unit.resources.rows) == [("archive:orders", "1"), ("orders", "2")]


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        ({"action": "get"}, "/id"),
        ({"action": "delete", "id": ""}, "/id"),
        ({"action": "burn"}, "/action"),
        ({"type": ""}, "/type"),
        ({"action": "list", "limit": 0}, "/limit"),
    ],
)
@pytest.mark.shows("persistence.store", "failure")
async def test_what_it_cannot_do_is_located(request_, pointer, unit):
    with pytest.raises(Rejected) as refusal:
        await do(unit, **request_)
    assert refusal.value.errors[0]["pointer"] == pointer


async def test_it_reports_that_it_answers(unit):
    assert await make(PersistenceStore).health(unit.context()) == ("healthy", "")
