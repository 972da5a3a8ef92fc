"""Ids of resources: in addresses, and used again after a delete."""

import pytest

from tests.unit.modules.catalog.http.rest_orders import ITEM, ask, machine, orders, without
from tests.unit.modules.catalog.http.test_api_handler_states import FLOW

pytestmark = pytest.mark.spec("SPINE-B4", "api.handler")


def flow(**more):
    return orders(FLOW | more, [without(machine(), "start_validation")])


@pytest.mark.parametrize(
    ("identity", "address"),
    [("a b", "a%20b"), ("grün", "gr%C3%BCn"), ("?q#f", "%3Fq%23f"), ("x/../y", "x%2F..%2Fy"), ("50%", "50%25")],
)
async def test_the_address_of_a_new_resource_is_percent_encoded(identity, address, unit):
    _, _, headers = await ask(orders(), unit, "POST", body={"id": identity})
    assert headers[b"location"] == f"/w/acme/shop/api/orders/{address}".encode()


@pytest.mark.parametrize("identity", ["a\r\nset-cookie: x", "a\x00", "\x7f", "\x85"])
async def test_an_id_with_control_characters_is_refused_and_located(identity, unit):
    for pattern, params in (("/api/orders", {}), (ITEM, {"id": identity})):
        status, answer, _ = await ask(orders(), unit, "POST", pattern, body={"id": identity}, **params)
        assert (status, answer["code"], answer["errors"][0]["pointer"]) == (400, "resource.id", "/id")
    assert unit.resources.rows == {}


@pytest.mark.spec("D11")
@pytest.mark.parametrize("more", [{}, {"workflowEngine": ""}])
async def test_the_id_of_a_deleted_resource_starts_afresh_behind_its_history(more, unit):
    handler = flow(**more)
    await ask(handler, unit, "POST", body={"id": "a", "old": 1})
    await ask(handler, unit, "PUT", ITEM + "/transition", body={"transition": "submit"}, id="a")
    assert (await ask(handler, unit, "DELETE", ITEM, id="a"))[0] == 204
    ended = unit.instances.rows["order-workflow", "a"]
    assert (ended.completed, ended.error) == (True, "its resource was deleted")
    status, again, _ = await ask(handler, unit, "POST", body={"id": "a", "fresh": 2})
    assert (status, again["state"]) == (201, "new")
    _, shown, _ = await ask(handler, unit, "GET", ITEM, id="a")
    assert (shown["state"], shown["data"]) == ("new", {"id": "a", "fresh": 2})
    status, moved, _ = await ask(handler, unit, "PUT", ITEM + "/transition", body={"transition": "submit"}, id="a")
    assert (status, moved["state"]) == (200, "submitted")
    told = [record.transition for record in unit.instances.records]
    assert told == ["submit", "(deleted)", "(restarted)", "submit"]


async def test_nothing_moves_the_instance_of_a_deleted_resource(unit):
    handler = flow()
    await ask(handler, unit, "POST", body={"id": "a"})
    await ask(handler, unit, "DELETE", ITEM, id="a")
    with pytest.raises(Exception, match="its resource was deleted") as refusal:
        await machine().apply(unit.context(), "a", "submit")
    assert refusal.value.code == "instance.completed"


async def test_an_instance_that_another_collection_follows_is_not_taken_over(unit):
    followed = without(machine(), "start_validation")
    await ask(orders(FLOW, [followed]), unit, "POST", body={"id": "a"})
    others = orders(FLOW | {"resourceName": "returns"}, [followed])
    assert (await ask(others, unit, "POST", body={"id": "a"}))[0] == 409
    assert unit.instances.rows["order-workflow", "a"].completed is False


@pytest.mark.spec("D18")
async def test_the_newer_of_both_times_is_shown(unit):
    handler = flow()
    await ask(handler, unit, "POST", body={"id": "a"})
    unit.clock.pass_seconds(5)
    _, put, _ = await ask(handler, unit, "PUT", ITEM, body={"total": 4}, id="a")
    _, shown, _ = await ask(handler, unit, "GET", ITEM, id="a")
    assert shown["lastUpdate"] == put["lastUpdate"] == unit.clock.now().isoformat()
    unit.instances.rows["order-workflow", "a"].updated_at = later = unit.clock.now().replace(year=2100)
    _, shown, _ = await ask(handler, unit, "GET", ITEM, id="a")
    assert shown["lastUpdate"] == later.isoformat()
