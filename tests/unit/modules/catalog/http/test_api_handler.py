import json
import uuid
from datetime import timedelta

import pytest
from pydantic import ValidationError

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.ports import Resource
from apps.modules.catalog.messaging.messaging_broker import MessagingBroker
from apps.modules.queries import registry
from tests.unit.modules.catalog.http.rest_orders import COLLECTION, ITEM, ask, machine, orders
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import START

pytestmark = pytest.mark.spec("SPINE-B4", "api.handler")


# --- create, read, change, remove -----------------------------------------------------------------------------------


async def test_what_is_posted_comes_back_equal(unit):
    handler = orders()
    status, created, headers = await ask(handler, unit, "POST", body={"total": 3, "items": []})
    assert (status, created["data"], created["state"]) == (201, {"total": 3, "items": []}, "new")
    assert headers[b"location"].decode() == f"/w/acme/shop/api/orders/{created['id']}"
    assert await ask(handler, unit, "GET", ITEM, id=created["id"]) == (200, created, {})


@pytest.mark.spec("D11")
async def test_ids_are_uuids_unless_the_caller_brings_one(unit):
    handler = orders()
    made = [(await ask(handler, unit, "POST", body={}))[1]["id"] for _ in range(3)]
    assert len({uuid.UUID(identity) for identity in made}) == 3
    assert (await ask(handler, unit, "POST", body={"id": 17}))[1]["id"] == "17"
    assert (await ask(handler, unit, "POST", ITEM, body={"id": "ignored"}, id="a1"))[1]["id"] == "a1"


@pytest.mark.spec("D11")
@pytest.mark.shows("api.handler", "failure")
async def test_an_id_that_is_taken_is_409(unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a"})
    status, answer, _ = await ask(handler, unit, "POST", body={"id": "a", "total": 9})
    assert (status, answer["code"]) == (409, "resource.exists")
    assert unit.resources.rows["orders", "a"].data == {"id": "a"}


@pytest.mark.parametrize("identity", [True, ["a"], {"a": 1}, 1.5, "x" * 201])
async def test_an_id_that_cannot_be_one_is_located(identity, unit):
    status, answer, _ = await ask(orders(), unit, "POST", body={"id": identity})
    assert (status, answer["errors"][0]["pointer"]) == (400, "/id")


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("raw", [b"{", b"[1]", b'"text"', b"null", b""])
async def test_a_body_that_is_no_object_is_400_with_an_error(method, raw, unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a"})
    pattern, params = (COLLECTION, {}) if method == "POST" else (ITEM, {"id": "a"})
    status, answer, _ = await ask(handler, unit, method, pattern, raw=raw, **params)
    assert status == 400
    assert answer["error"]
    assert answer["errors"]


@pytest.mark.spec("D18")
async def test_put_replaces_the_data_and_keeps_the_state(unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a", "state": "packed", "old": 1})
    unit.clock.pass_seconds(5)
    status, answer, _ = await ask(handler, unit, "PUT", ITEM, body={"total": 4}, id="a")
    assert (status, answer["data"], answer["state"]) == (200, {"total": 4}, "packed")
    assert answer["lastUpdate"] == (START + timedelta(seconds=5)).isoformat()


async def test_delete_removes(unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a"})
    assert (await ask(handler, unit, "DELETE", ITEM, id="a"))[:2] == (204, None)
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        assert (await ask(handler, unit, method, ITEM, body=body, id="a"))[0] == 404


@pytest.mark.parametrize(("method", "pattern", "params"), [("PATCH", COLLECTION, {}), ("PATCH", ITEM, {"id": "a"})])
async def test_another_method_is_405(method, pattern, params, unit):
    assert (await ask(orders(), unit, method, pattern, **params))[0] == 405


@pytest.mark.spec("D19")
async def test_a_password_is_neither_stored_nor_shown(unit):
    handler = orders({"resourceName": "users"})
    _, created, _ = await ask(handler, unit, "POST", body={"id": "u", "name": "Ann", "password": "s3cret"})
    _, replaced, _ = await ask(handler, unit, "PUT", ITEM, body={"name": "Ann", "password": "s3cret"}, id="u")
    assert unit.resources.rows["users", "u"].data == {"name": "Ann"}
    unit.resources.rows["users", "u"].data["password"] = "older"
    _, listed, _ = await ask(handler, unit, "GET")
    assert "password" not in json.dumps([created, replaced, listed])


async def test_the_first_path_parameter_is_the_id_whatever_its_name(unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a"})
    assert (await ask(handler, unit, "GET", "/api/orders/:orderId", orderId="a"))[0] == 200
    assert (await ask(handler, unit, "GET", "/api/{orderId...}", orderId="a"))[0] == 200


async def test_logical_names_are_read_and_written_by_the_mapping(unit):
    handler = orders({"fieldMapping": {"state": ["status", "state"], "userId": "owner", "x": 5, "y": [1]}})
    claims = {"sub": "u1"}
    _, created, _ = await ask(handler, unit, "POST", body={"status": "open"}, claims=claims)
    assert (created["state"], created["data"]["owner"]) == ("open", "u1")
    with pytest.raises(ValidationError):
        orders({"fieldMapping": "x"})


# --- lists ----------------------------------------------------------------------------------------------------------


async def fill(handler, unit, count):
    for number in range(count):
        await ask(handler, unit, "POST", body={"id": f"o{number}", "state": "odd" if number % 2 else "even"})


async def test_a_list_is_in_creation_order_and_pages_when_asked(unit):
    handler = orders()
    await fill(handler, unit, 5)
    assert [row["id"] for row in (await ask(handler, unit, "GET"))[1]] == ["o0", "o1", "o2", "o3", "o4"]
    status, page, headers = await ask(handler, unit, "GET", query="limit=2&role=")
    assert (status, [row["id"] for row in page]) == (200, ["o0", "o1"])
    assert headers[b"link"] == b'</w/acme/shop/api/orders?role=&limit=2&after=o1>; rel="next"'
    _, rest, headers = await ask(handler, unit, "GET", query="limit=3&after=o1")
    assert [row["id"] for row in rest] == ["o2", "o3", "o4"]
    assert b"link" not in headers


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1"])
async def test_an_impossible_limit_is_400(limit, unit):
    status, answer, _ = await ask(orders(), unit, "GET", query=f"limit={limit}")
    assert (status, answer["code"]) == (400, "query.limit")


async def test_a_state_filter_lists_those_states_only(unit):
    await fill(orders(), unit, 4)
    for written in ("odd", ["odd", "none"], "odd, none"):
        _, page, _ = await ask(orders({"stateFilter": written}), unit, "GET")
        assert [row["id"] for row in page] == ["o1", "o3"]


RECORDS = {
    "mine": {"userId": "u1"},
    "theirs": {"userId": "u2"},
    "shared": {"affiliateId": "*", "programId": "p1"},
    "a1": {"affiliateId": "aff-1", "programId": "p2", "role": "nurse"},
    "a2": {"affiliateId": "aff-2"},
}


@pytest.mark.spec("D20")
@pytest.mark.parametrize(
    ("claims", "query", "expected"),
    [
        (None, "", ["mine", "theirs", "shared", "a1", "a2"]),
        ({"sub": "u1"}, "", ["mine", "shared", "a1", "a2"]),
        ({"sub": "u1", "role": "admin"}, "", ["mine", "theirs", "shared", "a1", "a2"]),
        ({"sub": "u1", "role": "admin"}, "affiliateId=aff-1", ["mine", "theirs", "shared", "a1"]),
        ({"sub": "u1", "affiliateId": "aff-1"}, "", ["mine", "shared", "a1"]),
        ({"sub": "u1", "programIds": ["p1"]}, "", ["mine", "shared", "a2"]),
        ({"sub": "u1", "programIds": "p1"}, "programId=p2,p3", ["mine", "a1", "a2"]),
        (None, "role=doctor", ["mine", "theirs", "shared", "a2"]),
    ],
)
async def test_a_caller_sees_their_own_and_what_is_shared(claims, query, expected, unit):
    handler = orders()
    for key, data in RECORDS.items():
        unit.resources.rows["orders", key] = Resource("orders", key, dict(data))
    _, page, _ = await ask(handler, unit, "GET", query=query, claims=claims)
    assert [row["id"] for row in page] == expected


@pytest.mark.spec("D20")
@pytest.mark.parametrize(
    ("claims", "body", "owner"),
    [
        ({"sub": "u1"}, {"n": 2}, "u1"),
        ({"sub": "u1"}, {"n": 2, "userId": "u2"}, "u1"),
        ({"sub": "u9", "role": "admin"}, {"n": 2}, "u1"),
        ({"sub": "u9", "role": "admin"}, {"n": 2, "userId": "u2"}, "u2"),
    ],
)
async def test_a_resource_stays_its_owners_unless_an_admin_gives_it_away(claims, body, owner, unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a", "n": 1}, claims={"sub": "u1"})
    status, answer, _ = await ask(handler, unit, "PUT", ITEM, body=body, claims=claims, id="a")
    assert (status, answer["data"]) == (200, {"n": 2, "userId": owner})


@pytest.mark.spec("D20")
async def test_an_action_on_a_resource_that_is_shared_does_not_take_it_away(unit):
    handler = orders({"workflowType": "order-workflow"}, [machine()])
    unit.resources.rows["orders", "a"] = Resource("orders", "a", {"n": 1}, "new")
    body = {"note": "x", "userId": "u1"}
    status, _, _ = await ask(handler, unit, "POST", f"{ITEM}/submit", body=body, claims={"sub": "u1"}, id="a")
    assert (status, unit.resources.rows["orders", "a"].data) == (200, {"n": 1, "note": "x"})


async def test_what_a_caller_may_not_see_is_not_there_by_its_id_either(unit):
    handler = orders()
    unit.resources.rows["orders", "x"] = Resource("orders", "x", {"userId": "u2"})
    for method in ("GET", "PUT", "DELETE"):
        assert (await ask(handler, unit, method, ITEM, body={}, claims={"sub": "u1"}, id="x"))[0] == 404
    assert ("orders", "x") in unit.resources.rows


async def test_pages_are_filled_up_past_what_is_hidden(unit):
    for number in range(9):
        owner = "u1" if number % 3 == 0 else "u2"
        unit.resources.rows["orders", f"k{number}"] = Resource("orders", f"k{number}", {"userId": owner})
    _, page, headers = await ask(orders(), unit, "GET", query="limit=2", claims={"sub": "u1"})
    assert [row["id"] for row in page] == ["k0", "k3"]
    assert b"after=k3" in headers[b"link"]


async def test_a_view_shows_another_collection_as_a_queue(unit):
    await fill(orders(), unit, 3)
    view = orders({"resourceName": "queue", "sourceResourceName": "orders", "stateFilter": "even"})
    status, answer, _ = await ask(view, unit, "GET", "/api/queue")
    assert (status, answer["totalQueued"], answer["count"]) == (200, 2, 2)
    assert [row["id"] for row in answer["conversations"]] == ["o0", "o2"]
    assert (await ask(view, unit, "POST", "/api/queue", body={}))[0] == 405
    assert (await ask(view, unit, "DELETE", "/api/queue/{id}", id="o0"))[0] == 405


async def test_filters_of_a_list_hide_nothing_that_is_asked_for_by_its_id(unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a", "role": "admin", "programId": "p1"})
    filters = {"query": "role=user&programId=p2"}
    assert (await ask(handler, unit, "GET", **filters))[1] == []
    assert (await ask(handler, unit, "GET", ITEM, id="a", **filters))[0] == 200


async def test_the_health_of_a_queue_is_told_per_program(unit):
    def put(key, created, **data):
        unit.resources.rows["orders", key] = Resource("orders", key, data, "new", created)

    put("a", START, programId="p1", programName="First", createdAt=(START - timedelta(seconds=60)).isoformat())
    put("b", START - timedelta(seconds=20), programId="p1", createdAt="2026-03-01T11:00:00")
    put("c", None)
    unit.resources.rows["programs", "p1"] = Resource("programs", "p1", {"settings": {"queueAlertThreshold": 1}})
    view = orders({"sourceResourceName": "orders"})
    _, answer, _ = await ask(view, unit, "GET", "/api/queue/health")
    default, first = answer["programs"]
    assert (first["programName"], first["depth"], first["avgWaitSeconds"], first["alertThreshold"]) == (
        "First",
        2,
        40.0,
        1,
    )
    assert first["oldestMessageAt"] == (START - timedelta(seconds=60)).isoformat()
    assert (default["programId"], default["avgWaitSeconds"], default["alertThreshold"]) == ("default", 0, 10)
    assert answer["alerts"] == 1


# --- events ---------------------------------------------------------------------------------------------------------


async def test_changes_are_published_to_both_topics_where_there_is_a_broker(unit):
    handler = orders({"workflowType": "order-workflow"}, [machine()], modules=[make(MessagingBroker, name="bus")])
    await ask(handler, unit, "POST", body={"id": "a"})
    await ask(handler, unit, "PUT", ITEM, body={}, id="a")
    await ask(handler, unit, "POST", ITEM + "/submit", body={}, id="a")
    await ask(handler, unit, "DELETE", ITEM, id="a")
    names = ["orders.created", "orders.updated", "orders.submit", "orders.deleted"]
    assert unit.broker.topics == [topic for name in names for topic in ("orders-events", name)]
    events = {message["eventType"]: message for _, message, key in unit.broker.sent if key == "a"}
    assert events["orders.created"]["resource"]["id"] == "a"
    assert events["orders.submit"] == {
        "eventType": "orders.submit",
        "resourceId": "a",
        "action": "submit",
        "state": "submitted",
    }
    assert events["orders.deleted"] == {"eventType": "orders.deleted", "resourceId": "a"}


async def test_without_a_broker_nothing_is_published(unit):
    await ask(orders(), unit, "POST", body={})
    assert unit.broker.sent == []


# --- first resources ------------------------------------------------------------------------------------------------


async def test_first_resources_come_from_a_file_when_there_are_none(unit):
    seeds = [{"id": "s1", "data": {"n": 1, "password": "x"}, "state": "open"}, {"data": {"n": 2}}, {"id": 3}]
    handler = orders({"seedFile": "seed.json"}, read_file=lambda path: json.dumps(seeds).encode())
    _, page, _ = await ask(handler, unit, "GET")
    assert [(row["id"], row["data"], row.get("state")) for row in page] == [("s1", {"n": 1}, "open"), ("3", {}, None)]
    await ask(handler, unit, "DELETE", ITEM, id="s1")
    assert [row["id"] for row in (await ask(handler, unit, "GET"))[1]] == ["3"]


async def test_first_resources_that_are_nothing_usable_are_passed_over(unit):
    seeds = [7, {"id": "s1", "data": ["a"], "state": 4}, {"id": "s2"}]
    handler = orders({"seedFile": "seed.json"}, read_file=lambda path: json.dumps(seeds).encode())
    _, page, _ = await ask(handler, unit, "GET")
    assert [(row["id"], row["data"]) for row in page] == [("s1", {}), ("s2", {})]


def test_a_file_of_first_resources_that_is_no_list_is_refused():
    with pytest.raises(ValueError, match=r"seed\.json is not a JSON list"):
        orders({"seedFile": "seed.json"}, read_file=lambda path: b'{"id": 1}')


@pytest.mark.parametrize("kind", ["api.handler", "auth.jwt"])
def test_first_data_that_is_not_there_is_told_and_left_out(kind, tmp_path):
    secret = "secret: s, " if kind == "auth.jwt" else ""
    text = f"modules: [{{name: m, type: {kind}, config: {{{secret}seedFile: none.json}}}}]"
    application = compile_document(
        load(text).document, registry(), read_file=lambda name: (tmp_path / name).read_bytes()
    )
    assert [(each.code, each.path) for each in application.findings] == [
        ("file.left_out", "modules[0].config.seedFile")
    ]
