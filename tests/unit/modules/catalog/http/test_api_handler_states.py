"""The state machine behind `api.handler`: instances, transitions, sub-actions, summaries."""

import pytest

from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import AlreadyExists, Instance, LostRace, Resource
from apps.engine.sections.machine_parts import Hook, State, Transition
from apps.engine.sections.statemachine import Machine
from apps.modules.catalog.http.api_handler import ApiHandler
from tests.unit.modules.catalog.http.rest_orders import ITEM, ask, machine, orders, without
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import START

pytestmark = pytest.mark.spec("SPINE-B4", "api.handler")


FLOW = {"workflowType": "order-workflow", "workflowEngine": "engine"}


@pytest.mark.spec("D10")
async def test_a_new_resource_starts_an_instance_named_by_prefix_and_id(unit):
    handler = orders(
        FLOW | {"instanceIDPrefix": "order-", "instanceIDField": "id"}, [without(machine(), "start_validation")]
    )
    status, created, _ = await ask(handler, unit, "POST", body={"id": "7", "total": 3})
    assert (status, created["state"]) == (201, "new")
    assert unit.instances.rows["order-workflow", "order-7"].data == {
        "id": "7",
        "total": 3,
        "instanceId": "order-7",
        "workflowType": "order-workflow",
    }
    _, made, _ = await ask(handler, unit, "POST", body={})
    assert ("order-workflow", f"order-{made['id']}") in unit.instances.rows


@pytest.mark.spec("D10")
async def test_a_field_of_the_data_may_name_the_instance(unit):
    handler = orders(FLOW | {"instanceIDField": "number"}, [machine()])
    await ask(handler, unit, "POST", body={"id": "7", "number": 99})
    await ask(handler, unit, "POST", body={"id": "8", "number": ""})
    assert sorted(key for _, key in unit.instances.rows) == ["8", "99"]


@pytest.mark.parametrize(("configured", "state"), [("submit", "submitted"), ("", "validating")])
async def test_a_first_transition_is_fired(configured, state, unit):
    handler = orders(FLOW | {"initialTransition": configured}, [machine()])
    status, created, _ = await ask(handler, unit, "POST", body={"id": "a"})
    assert (status, created["state"]) == (201, state)
    assert unit.resources.rows["orders", "a"].state == state


async def test_a_first_transition_that_is_refused_leaves_the_order_where_it_is(unit):
    handler = orders(FLOW | {"initialTransition": "hold_back"}, [machine()])
    assert (await ask(handler, unit, "POST", body={"id": "a"}))[1]["state"] == "new"


@pytest.mark.parametrize(
    ("config", "body", "key"), [({}, {"id": "a"}, "a"), ({"instanceIDField": "number"}, {"number": 5}, "5")]
)
async def test_an_instance_that_is_there_already_makes_the_id_taken(config, body, key, unit):
    unit.instances.rows["order-workflow", key] = Instance("order-workflow", key, "new")
    assert (await ask(orders(FLOW | config, [machine()]), unit, "POST", body=body))[0] == 409
    assert unit.resources.rows == {}


async def test_a_race_for_an_instance_undoes_the_whole_request(unit):
    async def taken_meanwhile(instance):
        raise AlreadyExists(instance.key)

    unit.instances.create = taken_meanwhile
    with pytest.raises(TryAgain) as pause:
        await ask(orders(FLOW, [machine()]), unit, "POST", body={"id": "a"})
    assert pause.value.code == "instance.race"


@pytest.mark.spec("D18")
@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_transition_moves_the_instance_and_is_stored(method, unit):
    handler = orders({"workflowType": "order-workflow", "instanceIDPrefix": "order-"}, [machine()])
    await ask(handler, unit, "POST", body={"id": "a", "total": 3})
    body = {"transition": "submit", "data": {"by": "phone"}}
    status, answer, _ = await ask(handler, unit, method, ITEM + "/transition", body=body, id="a")
    assert status == 200
    assert (answer["success"], answer["id"], answer["instanceId"], answer["transition"]) == (
        True,
        "a",
        "order-a",
        "submit",
    )
    assert (answer["state"], answer["resource"]["state"]) == ("submitted", "submitted")
    assert unit.resources.rows["orders", "a"].state == "submitted"
    assert unit.instances.rows["order-workflow", "order-a"].data["total"] == 3
    _, shown, _ = await ask(handler, unit, "GET", ITEM, id="a")
    assert (shown["state"], shown["data"]) == ("submitted", {"id": "a", "total": 3, "by": "phone"})


async def test_a_transition_from_the_wrong_state_is_400_and_names_both_states(unit):
    handler = orders({"workflowType": "order-workflow"}, [machine()])
    await ask(handler, unit, "POST", body={"id": "a"})
    body = {"transition": "close_from_active"}
    status, answer, _ = await ask(handler, unit, "PUT", ITEM + "/transition", body=body, id="a")
    assert (status, answer["success"], answer["transition"]) == (400, False, "close_from_active")
    assert "submitted" in answer["error"]
    assert "new" in answer["error"]


@pytest.mark.parametrize(
    "body", [{}, {"transition": ""}, {"transition": 5}, {"transition": "submit", "data": [1]}, {"transition": "fly"}]
)
async def test_a_transition_that_is_none_is_400(body, unit):
    handler = orders({"workflowType": "order-workflow"}, [machine()])
    await ask(handler, unit, "POST", body={"id": "a"})
    assert (await ask(handler, unit, "PUT", ITEM + "/transition", body=body, id="a"))[0] == 400


async def test_a_transition_of_an_unknown_order_is_404(unit):
    handler = orders({"workflowType": "order-workflow"}, [machine()])
    body = {"transition": "submit"}
    assert (await ask(handler, unit, "PUT", ITEM + "/transition", body=body, id="none"))[0] == 404


async def test_a_transition_without_any_machine_is_500(unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a"})
    status, answer, _ = await ask(handler, unit, "PUT", ITEM + "/transition", body={"transition": "submit"}, id="a")
    assert (status, answer["code"]) == (500, "machine.missing")


async def test_a_lost_race_is_409(unit):
    found = machine()
    handler = orders({"workflowType": "order-workflow"}, [found])
    await ask(handler, unit, "POST", body={"id": "a"})

    async def lose(instance, record=None):
        raise LostRace("a")

    unit.instances.save = lose
    status, answer, _ = await ask(handler, unit, "PUT", ITEM + "/transition", body={"transition": "submit"}, id="a")
    assert (status, answer["success"]) == (409, False)


async def test_a_veto_is_400_with_the_reason(unit):
    async def veto(payload, context):
        raise StepFailed("not today")

    hook = Hook(0, "guard", frozenset(), frozenset(), frozenset(), "event", veto)
    handler = orders({"workflowType": "order-workflow"}, [machine(hooks=(hook,))])
    await ask(handler, unit, "POST", body={"id": "a"})
    status, answer, _ = await ask(handler, unit, "PUT", ITEM + "/transition", body={"transition": "submit"}, id="a")
    assert status == 400
    assert "not today" in answer["error"]


@pytest.mark.parametrize(
    ("config", "body", "data"),
    [
        ({}, {"workflowType": "returns"}, {}),
        ({}, {}, {"workflowType": "returns"}),
        ({"workflowType": "returns"}, {}, {"workflowType": "order-workflow"}),
    ],
)
async def test_the_machine_is_that_of_the_body_the_config_or_the_resource(config, body, data, unit):
    handler = orders(config, [machine(), machine("returns")])
    await ask(handler, unit, "POST", body={"id": "a"} | data)
    await ask(handler, unit, "PUT", ITEM + "/transition", body={"transition": "submit"} | body, id="a")
    assert list(unit.instances.rows) == [("returns", "a")]


async def test_the_only_machine_serves_a_resource_that_names_none(unit):
    handler = orders({}, [machine("anything")])
    await ask(handler, unit, "POST", body={"id": "a"})
    assert (await ask(handler, unit, "PUT", ITEM + "/transition", body={"transition": "submit"}, id="a"))[0] == 200


@pytest.mark.spec("D17")
@pytest.mark.parametrize(
    ("config", "pattern", "params", "transition"),
    [
        ({}, ITEM + "/submit", {}, "submit"),
        ({}, ITEM + "/{action}", {"action": "submit"}, "submit"),
        ({"transitionMap": {"send": "submit"}}, ITEM + "/send", {}, "submit"),
    ],
)
async def test_a_sub_action_fires_its_transition_and_stores_the_body(config, pattern, params, transition, unit):
    handler = orders({"workflowType": "order-workflow"} | config, [machine()])
    unit.resources.rows["orders", "a"] = Resource("orders", "a", {"total": 3}, "new")
    status, answer, _ = await ask(handler, unit, "POST", pattern, body={"note": "x"}, id="a", **params)
    assert (status, answer["success"], answer["transition"], answer["state"]) == (200, True, transition, "submitted")
    assert unit.resources.rows["orders", "a"].data == {"total": 3, "note": "x"}


async def test_a_sub_action_by_default_name_and_with_a_dash(unit):
    handler = orders({"workflowType": "order-workflow", "transitionMap": {"x": "y"}}, [machine()])
    await ask(handler, unit, "POST", body={"id": "a"})
    await ask(handler, unit, "POST", body={"id": "b"})
    for identity, action in (("a", "close"), ("b", "hold-back")):
        await ask(handler, unit, "POST", ITEM + "/submit", body={}, id=identity)
        assert (await ask(handler, unit, "POST", ITEM + f"/{action}", body={}, id=identity))[0] == 200


SUPPORT = Machine(
    "support",
    "new",
    {name: State(name) for name in ("new", "active", "wrap_up", "follow_up_active", "with_police", "closed")},
    {
        name: Transition(name, before, after)
        for name, before, after in (
            ("assign_responder", "new", "active"),
            ("escalate_to_police", "active", "with_police"),
            ("begin_wrap_up", "active", "wrap_up"),
            ("close_from_active", "active", "closed"),
            ("close_from_wrap_up", "wrap_up", "closed"),
            ("close_from_followup", "follow_up_active", "closed"),
        )
    },
)


@pytest.mark.parametrize("mapped", [{}, {"transitionMap": {"close": "close_from_active"}}])
@pytest.mark.parametrize(
    ("state", "action", "body", "transition"),
    [
        ("new", "assign", {}, "assign_responder"),
        ("active", "wrap-up", {}, "begin_wrap_up"),
        ("active", "close", {}, "close_from_active"),
        ("wrap_up", "close", {}, "close_from_wrap_up"),
        ("follow_up_active", "close", {}, "close_from_followup"),
        ("active", "escalate", {"type": "police"}, "escalate_to_police"),
    ],
)
async def test_the_usual_actions_mean_their_transitions_without_a_map(mapped, state, action, body, transition, unit):
    handler = orders({"workflowType": "support", **mapped}, [SUPPORT])
    unit.resources.rows["orders", "a"] = Resource("orders", "a", {}, state)
    unit.instances.rows["support", "a"] = Instance("support", "a", state)
    status, answer, _ = await ask(handler, unit, "POST", f"{ITEM}/{action}", body=body, id="a")
    assert (status, answer["transition"]) == (200, transition)


async def test_a_caller_cannot_act_as_another_responder(unit):
    handler = orders({"workflowType": "order-workflow"}, [machine()])
    await ask(handler, unit, "POST", body={"id": "a"})
    body = {"responderId": "somebody-else"}
    await ask(handler, unit, "POST", ITEM + "/submit", body=body, claims={"sub": "u1"}, id="a")
    assert unit.resources.rows["orders", "a"].data["responderId"] == "u1"


@pytest.mark.parametrize(
    ("method", "tail", "status"),
    [("POST", "dance", 400), ("POST", "close", 400), ("GET", "messages", 404), ("DELETE", "close", 405)],
)
async def test_what_cannot_be_done_below_a_resource(method, tail, status, unit):
    handler = orders({"workflowType": "order-workflow"}, [machine()])
    await ask(handler, unit, "POST", body={"id": "a"})
    assert (await ask(handler, unit, method, f"{ITEM}/{tail}", body={}, id="a"))[0] == status


async def test_a_sub_action_without_a_machine_is_unknown(unit):
    handler = orders()
    await ask(handler, unit, "POST", body={"id": "a"})
    assert (await ask(handler, unit, "POST", ITEM + "/close", body={}, id="a"))[1]["code"] == "action.unknown"


async def test_the_summary_shows_the_wanted_fields_that_are_there(unit):
    handler = orders({"summaryFields": ["total", "note"], "workflowType": "order-workflow"}, [machine()])
    await ask(handler, unit, "POST", body={"id": "a", "total": 3, "secret": "x"})
    _, answer, _ = await ask(handler, unit, "GET", ITEM + "/summary", id="a")
    assert answer == {"id": "a", "state": "new", "lastUpdate": START.isoformat(), "total": 3}
    assert orders({"summaryFields": []}).config.summary_fields[0] == "programId"


def test_its_machine_keeps_the_resources_in_step():
    assert orders(FLOW).follows() == ("order-workflow", "orders")
    assert orders().follows() is None


async def test_a_list_and_a_view_of_it_know_what_the_instances_know(unit):
    """A processing step has found out the program; the list tells it and may be asked for it (spec 7.1 b, d)."""
    handler = orders(FLOW | {"instanceIDPrefix": "order-"}, [machine()])
    for key, program in (("a", "p1"), ("b", "p2"), ("c", None)):
        await ask(handler, unit, "POST", body={"id": key, "total": 3})
        found = unit.instances.rows["order-workflow", f"order-{key}"]
        found.state, found.data = "held", found.data | {"programId": program, "total": 9, "password": "x"}
    status, answer, _ = await ask(handler, unit, "GET")
    assert (status, [row["state"] for row in answer]) == (200, ["held"] * 3)
    assert answer[0]["data"] == {"id": "a", "total": 3, "programId": "p1"}
    wanted = (await ask(handler, unit, "GET", query="programId=p2"))[1]
    assert [row["id"] for row in wanted] == ["b", "c"]
    config = {"resourceName": "queue", "sourceResourceName": "orders"}
    view = make(ApiHandler, config, "queue-api", modules=[handler])
    queue = (await ask(view, unit, "GET", "/api/queue", query="programId=p1"))[1]
    assert [(row["id"], row["data"]["programId"]) for row in queue["conversations"]] == [("a", "p1"), ("c", None)]
    assert (await ask(view, unit, "GET", "/api/queue/{id}", id="a"))[1]["data"]["programId"] == "p1"
