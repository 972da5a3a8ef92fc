"""`conditional.switch`: cases are compared as text, in order."""

import pytest
from pydantic import ValidationError

from apps.modules.catalog.branching.conditional_switch import MOST_CASES, ConditionalSwitch, ConditionalSwitchConfig

pytestmark = pytest.mark.spec("conditional.switch")


def node(**config):
    return ConditionalSwitch("n", ConditionalSwitchConfig.model_validate({"expression": "a", **config}))


@pytest.mark.parametrize(
    ("value", "way"),
    [("x", "case-0"), (2, "case-1"), ("2", "case-1"), (2.0, "case-1"), (True, "case-2"), ("X", "default")],
)
def test_a_value_goes_the_way_of_the_case_that_reads_the_same(value, way):
    assert node(cases=["x", 2, True]).choose({"data": {"a": value}}) == way


def test_the_first_of_two_equal_cases_is_meant_and_nothing_is_an_empty_text():
    assert node(cases=["x", "x"]).choose({"data": {"a": "x"}}) == "case-0"
    assert node(cases=["", "x"]).choose({"data": {}}) == "case-0"


def test_the_number_of_cases_has_a_limit():
    with pytest.raises(ValidationError):
        node(cases=["x"] * (MOST_CASES + 1))


@pytest.mark.shows("conditional.switch", "failure")
def test_an_expression_that_is_none_is_a_fault():
    assert [code for _, code, _ in node(expression="a +").problems()] == ["expression.invalid"]
