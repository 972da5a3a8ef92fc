"""What a component's contract asks of its input (spec/modules.md 8.2)."""

import pytest

from apps.engine.component import Component, Contract
from apps.engine.outcome import Rejected

pytestmark = pytest.mark.spec("CAT-B1")

FITTING = {
    "string": ["", "text"],
    "int": [1, 1.0, 1.5],
    "float": [1.5, 2],
    "bool": [True, False],
    "map": [{}],
    "slice": [[]],
    "any": ["text", 1, True, {}, []],
    "instant": ["text", 1, True, {}, []],  # a type that nobody knows is not checked
}
UNFITTING = {
    "string": [1, True, {}, []],
    "int": ["1", True, {}],
    "float": ["1.5", False, []],
    "bool": ["true", 1, 0],
    "map": [[], "text"],
    "slice": [{}, "text"],
}


def pairs(table):
    return [(kind, value) for kind, values in table.items() for value in values]


@pytest.mark.parametrize("spelling", ["required_inputs", "optional_inputs", "requiredInputs", "optionalInputs"])
@pytest.mark.parametrize(("kind", "value"), pairs(FITTING))
def test_a_value_of_its_type_is_taken(spelling, kind, value):
    assert Contract({spelling: {"field": kind}}).problems({"field": value}) == []


@pytest.mark.parametrize("spelling", ["required_inputs", "optional_inputs", "requiredInputs", "optionalInputs"])
@pytest.mark.parametrize(("kind", "value"), pairs(UNFITTING))
def test_a_value_of_another_type_is_told(spelling, kind, value):
    found = Contract({spelling: {"field": {"type": kind}}}).problems({"field": value})
    assert found == [{"pointer": "/field", "message": f"must be of type {kind}"}]


@pytest.mark.parametrize("data", [{}, {"field": None}])
def test_what_is_required_must_be_there_and_not_null(data):
    assert Contract({"required_inputs": {"field": "string"}}).problems(data) == [
        {"pointer": "/field", "message": "is required"}
    ]
    assert Contract({"optional_inputs": {"field": "string"}}).problems(data) == []


def test_a_default_is_filled_in_for_what_is_missing_while_a_null_stays():
    contract = Contract({"optional_inputs": {"days": {"type": "int", "default": 30}, "note": "string"}})
    assert contract.with_defaults({}) == {"days": 30}
    assert contract.with_defaults({"days": None}) == {"days": None}
    assert contract.with_defaults({"days": 7, "more": 1}) == {"days": 7, "more": 1}


def test_all_problems_are_one_refusal_that_begins_with_the_components_name():
    contract = Contract({"required_inputs": {"body": "string", "n": "int"}, "optional_inputs": {"tags": "slice"}})
    component = Component("matcher", "Matcher", contract, lambda params, context: params, is_async=False)
    with pytest.raises(Rejected) as refusal:
        component.start({"n": "one", "tags": "a"}, None)
    assert [error["pointer"] for error in refusal.value.errors] == ["/body", "/n", "/tags"]
    assert refusal.value.message.startswith("matcher: body is required; n must be of type int")


def test_outputs_are_documentation_and_hold_nothing_to_them():
    contract = Contract({"outputs": {"total": "int"}})
    component = Component("sum", "Sum", contract, lambda params, context: {"total": "none"}, is_async=False)
    assert component.start({}, None) == {"total": "none"}
