import pytest

from apps.engine.outcome import Rejected, StepFailed
from apps.engine.ports import Instance
from apps.engine.sections.machine_parts import ResourceMapping
from apps.engine.sections.statemachine import Machine
from apps.modules.catalog.statemachine.state_tracker import StateTracker
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import START

pytestmark = pytest.mark.spec("SPINE-B4", "state.tracker")


@pytest.fixture
def tracker(unit):
    unit.instances.rows["orders", "7"] = Instance(
        "orders", "7", "paid", previous_state="new", data={"total": 3}, updated_at=START
    )
    return make(StateTracker, machines={"returns": machine("returns"), "orders": machine("orders", "sales")})


def machine(name, *kinds):
    return Machine(name, "new", {}, {}, mappings=tuple(ResourceMapping(kind) for kind in kinds))


@pytest.mark.parametrize("question", [{"resourceType": "orders", "id": 7}, {"id": "7"}])
async def test_it_tells_where_a_resource_stands(question, tracker, unit):
    answer = await tracker.run(question, unit.context())
    assert (answer["currentState"], answer["previousState"], answer["resourceType"]) == ("paid", "new", "orders")
    assert (answer["id"], answer["data"], answer["lastUpdate"]) == ("7", {"total": 3}, START.isoformat())


async def test_a_mapped_resource_type_means_its_definition_and_a_definition_may_be_written_with_underscores(unit):
    for name in ("return-slips", "parcel-orders"):
        unit.instances.rows[name, "7"] = Instance(name, "7", f"state of {name}", updated_at=START)
    machines = {"return-slips": machine("return-slips"), "parcel-orders": machine("parcel-orders", "parcels")}
    tracker = make(StateTracker, machines=machines)
    found = [
        (await tracker.run({"resourceType": kind, "id": "7"}, unit.context()))["currentState"]
        for kind in ("parcels", "parcel_orders", "return_slips")
    ]
    assert found == ["state of parcel-orders", "state of parcel-orders", "state of return-slips"]


@pytest.mark.shows("state.tracker", "failure")
@pytest.mark.parametrize("kind", ["returns", "nonsense"])
async def test_an_unknown_resource_is_404(kind, tracker, unit):
    with pytest.raises(StepFailed) as failure:
        await tracker.run({"resourceType": kind, "id": "7"}, unit.context())
    assert (failure.value.status, failure.value.code) == (404, "state.unknown")


@pytest.mark.parametrize("question", [{}, {"id": ""}, {"id": True}, "7"])
async def test_a_question_without_an_id_is_rejected(question, tracker, unit):
    with pytest.raises(Rejected) as refusal:
        await tracker.run(question, unit.context())
    assert refusal.value.errors[0]["pointer"] == "/id"
