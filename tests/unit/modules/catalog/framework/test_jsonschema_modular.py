import pytest

from apps.engine.json_schemas import MOST_ERRORS, Schema
from apps.engine.outcome import Rejected
from apps.modules.catalog.framework.jsonschema_modular import JsonschemaModular
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "jsonschema.modular")

ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "items": {"type": "array", "items": {"$ref": "#/$defs/item"}}},
    "$defs": {"item": {"type": "object", "properties": {"qty/kg": {"type": "integer", "minimum": 1}}}},
}


def test_good_data_passes_unchanged(unit):
    order = {"id": "a", "items": [{"qty/kg": 1}]}
    assert make(JsonschemaModular, {"schema": ORDER}).run(order, unit.context()) is order


@pytest.mark.shows("jsonschema.modular", "failure")
def test_bad_data_is_stopped_with_the_place_of_every_fault(unit):
    with pytest.raises(Rejected) as refusal:
        make(JsonschemaModular, {"schema": ORDER}).run({"items": [{"qty/kg": 0}]}, unit.context())
    assert refusal.value.status == 422
    assert [fault["pointer"] for fault in refusal.value.errors] == ["", "/items/0/qty~1kg"]


def test_without_a_schema_everything_passes():
    assert make(JsonschemaModular).errors([1, None]) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "http://127.0.0.1:9/other.json"},
        {"$ref": "file:///etc/passwd"},
        {"pattern": "("},
        {"pattern": "(?=slow)look"},
    ],
)
def test_a_schema_that_is_wrong_or_looks_elsewhere_is_a_finding(schema):
    problem = make(JsonschemaModular, {"schema": schema}).problems()
    assert [(place, code) for place, code, _ in problem] == [("schema", "schema.invalid")]


def test_the_list_of_faults_is_bounded_and_long_values_stay_out():
    faults = Schema({"items": {"type": "integer"}}).errors(["x" * 1000] * (MOST_ERRORS + 20))
    assert len(faults) == MOST_ERRORS
    assert all(len(fault["message"]) <= 200 for fault in faults)


def test_checking_raises_the_same_refusal():
    schema = Schema({"type": "integer"})
    schema.check(1)
    with pytest.raises(Rejected) as refusal:
        schema.check("1")
    assert refusal.value.errors[0]["pointer"] == ""
