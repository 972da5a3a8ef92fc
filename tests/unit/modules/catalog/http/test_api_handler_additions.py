"""Sub-actions that add to a resource's data: tags and messages (spec/modules.md 7.2)."""

import pytest

from apps.modules.catalog.messaging.messaging_broker import MessagingBroker
from tests.unit.modules.catalog.http.rest_orders import ITEM, ask, machine, orders
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "api.handler")


async def kept(handler, unit, data=None):
    await ask(handler, unit, "POST", body={"id": "a", "state": "packed"} | (data or {}))
    return handler


async def add(handler, unit, action, body, **more):
    return await ask(handler, unit, "POST", f"{ITEM}/{action}", body=body, id="a", **more)


async def test_tags_are_added_once_and_the_state_stays(unit):
    handler = await kept(orders(), unit, {"tags": ["vip"]})
    status, answer, _ = await add(handler, unit, "tag", {"tag": "late", "tags": ["vip", "gift"]})
    assert (status, answer) == (200, {"success": True, "id": "a", "tags": ["vip", "late", "gift"]})
    stored = unit.resources.rows["orders", "a"]
    assert (stored.data["tags"], stored.state) == (["vip", "late", "gift"], "packed")


async def test_the_field_that_the_data_really_uses_is_written(unit):
    handler = await kept(orders({"fieldMapping": {"tags": "labels"}}), unit)
    await add(handler, unit, "tag", {"tag": "late"})
    assert unit.resources.rows["orders", "a"].data["labels"] == ["late"]


@pytest.mark.parametrize("body", [{}, {"tag": ""}, {"tag": 5}, {"tags": [{}]}, {"tag": "x" * 101}])
async def test_what_is_no_tag_is_located(body, unit):
    status, answer, _ = await add(await kept(orders(), unit), unit, "tag", body)
    assert (status, answer["code"]) == (400, "tags.bad")
    assert answer["errors"][0]["pointer"] in ("/tag", "/tags")


async def test_tags_and_messages_have_an_end(unit):
    handler = await kept(orders(), unit, {"tags": [str(n) for n in range(200)], "messages": [{}] * 1000})
    assert (await add(handler, unit, "tag", {"tag": "more"}))[0] == 409
    assert (await add(handler, unit, "messages", {"body": "more"}))[0] == 409


async def test_messages_are_numbered_and_told_apart_by_direction(unit):
    handler = await kept(orders(), unit)
    status, first, _ = await add(handler, unit, "messages", {"body": "hello", "from": "+100"})
    now = unit.clock.now().isoformat()
    assert (status, first) == (
        201,
        {
            "messageId": "msg-a-1",
            "conversationId": "a",
            "direction": "inbound",
            "status": "delivered",
            "timestamp": now,
        },
    )
    _, second, _ = await add(
        handler, unit, "messages", {"body": "hi", "direction": "outbound", "responderId": "x"}, claims={"sub": "u1"}
    )
    assert (second["messageId"], second["status"]) == ("msg-a-2", "sent")
    stored = unit.resources.rows["orders", "a"].data["messages"]
    assert stored[0] == {
        "body": "hello",
        "direction": "inbound",
        "status": "delivered",
        "timestamp": now,
        "from": "+100",
    }
    assert stored[1]["sender"] == "u1"


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": 5}, {"body": "a", "direction": "sideways"}])
async def test_what_is_no_message_is_400(body, unit):
    assert (await add(await kept(orders(), unit), unit, "messages", body))[1]["code"] == "message.bad"


async def test_additions_of_a_resource_that_is_not_there_are_404(unit):
    assert (await add(orders(), unit, "messages", {"body": "a"}))[0] == 404


async def test_additions_are_published(unit):
    handler = await kept(orders(modules=[make(MessagingBroker, {}, "broker")]), unit)
    await add(handler, unit, "messages", {"body": "a"})
    assert unit.broker.topics[-2:] == ["orders-events", "orders.messages"]


async def test_a_transition_that_the_document_maps_goes_first(unit):
    handler = orders({"workflowType": "order-workflow", "transitionMap": {"tag": "submit"}}, [machine()])
    await kept(handler, unit, {"state": "new"})
    _, answer, _ = await add(handler, unit, "tag", {"tag": "late"})
    assert answer["transition"] == "submit"


@pytest.mark.parametrize("action", ["", "/tag"])
async def test_a_body_of_another_type_is_415_with_an_error(action, unit):
    handler = await kept(orders(), unit)
    params, pattern = ({"id": "a"}, ITEM + action) if action else ({}, "/api/orders")
    status, answer, _ = await ask(handler, unit, "POST", pattern, raw=b"{}", kind="text/plain", **params)
    assert (status, answer["code"]) == (415, "body.unsupported_type")
    assert answer["error"]


@pytest.mark.spec("D16")
async def test_a_form_is_taken(unit):
    kind = "application/x-www-form-urlencoded"
    status, answer, _ = await ask(orders(), unit, "POST", raw=b"id=f&note=two+words", kind=kind)
    assert (status, answer["data"]) == (201, {"id": "f", "note": "two words"})
