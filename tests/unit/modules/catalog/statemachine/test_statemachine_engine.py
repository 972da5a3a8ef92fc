import uuid

import pytest

from apps.engine.outcome import Rejected
from apps.engine.sections.machine_parts import State, Transition
from apps.engine.sections.statemachine import Machine
from apps.modules.catalog.statemachine.statemachine_engine import StatemachineEngine
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "statemachine.engine")


def machine(name, engine="engine"):
    states = {"new": State("new"), "paid": State("paid", is_final=True)}
    return Machine(name, "new", states, {"pay": Transition("pay", "new", "paid")}, engine)


def engine(*machines):
    return make(StatemachineEngine, name="engine", machines={found.name: found for found in machines})


def test_the_section_holds_the_definitions_so_the_engine_has_no_settings():
    assert make(StatemachineEngine).problems() == []
    assert {"initialState", "initial_state"} <= StatemachineEngine.Config.ignored_keys


async def test_as_a_step_it_makes_an_instance_and_moves_it(unit):
    made = await engine(machine("order")).run({"id": 7, "data": {"total": 3}}, unit.context())
    assert made == {"id": "7", "state": "new", "previousState": None, "completed": False}
    again = await engine(machine("order")).run({"id": "7"}, unit.context())
    assert again == made
    moved = await engine(machine("order")).run({"id": "7", "transition": "pay"}, unit.context())
    assert moved == {"id": "7", "state": "paid", "previousState": "new", "completed": True}


async def test_without_an_id_a_repeat_of_the_step_means_the_same_instance(unit):
    step = uuid.uuid4()
    found = [await engine(machine("order")).run({}, unit.context(step_id=step)) for _ in range(2)]
    other = await engine(machine("order")).run({}, unit.context())
    assert found[0]["id"] == found[1]["id"] != other["id"]


async def test_the_data_may_name_the_instance(unit):
    made = await engine(machine("order")).run({"data": {"orderId": "o-1"}}, unit.context())
    assert made["id"] == "o-1"


@pytest.mark.parametrize("workflow", [None, "fly", "elsewhere"])
@pytest.mark.shows("statemachine.engine", "failure")
async def test_which_definition_must_be_clear_and_its_own(workflow, unit):
    several = engine(machine("order"), machine("return"), machine("elsewhere", "another-engine"))
    with pytest.raises(Rejected) as refusal:
        await several.run({"workflow": workflow, "id": "1"}, unit.context())
    assert refusal.value.code == "machine.unknown"
    assert "order, return" in refusal.value.message


async def test_a_request_that_is_none_is_located(unit):
    with pytest.raises(Rejected) as refusal:
        await engine(machine("order")).run({"transition": 5, "jump": 1}, unit.context())
    assert {fault["pointer"] for fault in refusal.value.errors} == {"/transition", "/jump"}
