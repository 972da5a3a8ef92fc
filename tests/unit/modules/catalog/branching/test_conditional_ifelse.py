"""`conditional.ifelse`: true goes one way, everything else the other."""

import pytest

from apps.modules.catalog.branching.conditional_ifelse import ConditionalIfelse, ConditionalIfelseConfig

pytestmark = pytest.mark.spec("conditional.ifelse")


def node(**config):
    return ConditionalIfelse("n", ConditionalIfelseConfig.model_validate(config))


@pytest.mark.parametrize(("data", "way"), [({"a": 2}, "true"), ({"a": 1}, "false"), ({}, "false"), (None, "false")])
def test_the_value_true_goes_one_way_and_everything_else_the_other(data, way):
    assert node(expression="a > 1").choose({"data": data}) == way


@pytest.mark.parametrize("value", ["true", 1, [1], None])
def test_what_is_not_true_itself_is_false(value):
    assert node(expression="a").choose({"data": {"a": value}}) == "false"


def test_both_spellings_of_the_targets_are_read():
    assert node(expression="a", true_target="x", falseTarget="y").config.false_target == "y"


@pytest.mark.shows("conditional.ifelse", "failure")
def test_an_unknown_function_is_a_fault_of_the_document():
    assert node(expression="a.b(c)").problems() == [
        ("expression", "expression.invalid", "There is no function a.b() here.")
    ]
    assert node(expression="a").problems() == []
