import pytest
from pydantic import ValidationError

from apps.engine.component import BadComponent, component_of
from apps.engine.outcome import Rejected, StepFailed
from apps.modules.catalog.framework.dynamic_component import DynamicComponent
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "dynamic.component")


@pytest.mark.spec("SPINE-B4.22", "CAT-B1.4")
@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("stock", {"componentId": "inventory_checker"}),
        ("stock", {"componentId": "anything", "source": "components/inventory_checker.go"}),
        ("inventory_checker", {}),
    ],
)
async def test_a_bundled_component_is_found_and_called(name, config, unit):
    module = make(DynamicComponent, config, name)
    answer = await module.run({"items": ["a"], "simulate": "ok"}, unit.context())
    assert answer["available"] is True
    assert module.problems() == []


@pytest.mark.shows("dynamic.component", "failure")
async def test_the_contract_is_checked_before_the_call(unit):
    with pytest.raises(Rejected) as refusal:
        await make(DynamicComponent, {"componentId": "inventory_checker"}).run({"items": "a"}, unit.context())
    assert refusal.value.errors == [{"pointer": "/items", "message": "must be of type slice"}]


@pytest.mark.spec("SPINE-B4.25", "CAT-B1.4")
@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"componentId": "mine"}, "componentId"),
        ({"source": "./mine.py"}, "source"),
        ({"source": "./mine.go"}, "source"),
        ({}, "componentId"),
    ],
)
async def test_a_tenants_own_component_is_a_finding_and_never_runs(config, place, unit, tmp_path):
    module = make(DynamicComponent, config, "own")
    ((key, code, said),) = module.problems()
    assert (key, code) == (place, "component.source")
    assert ("own" if not config else "mine") in said
    with pytest.raises(StepFailed) as failure:
        await module.run({}, unit.context())
    assert failure.value.code == "component.not_bundled"


def test_a_source_without_a_name_is_refused():
    with pytest.raises(ValidationError):
        make(DynamicComponent, {"source": "/"})


def test_a_file_that_is_no_component_stops_start_up():
    with pytest.raises(BadComponent):
        component_of(pytest)
