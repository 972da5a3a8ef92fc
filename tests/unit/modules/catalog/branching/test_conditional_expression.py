"""`conditional.expression`: the value names the way out."""

import pytest

from apps.modules.catalog.branching.conditional_expression import ConditionalExpression, ConditionalExpressionConfig

pytestmark = pytest.mark.spec("conditional.expression")


def node(**config):
    return ConditionalExpression("n", ConditionalExpressionConfig.model_validate({"expression": "a", **config}))


@pytest.mark.parametrize(("value", "way"), [("low", "out-0"), (3, "out-1"), ("other", "result"), (None, "result")])
def test_a_value_goes_the_way_of_the_output_that_reads_the_same(value, way):
    assert node(outputs=["low", "3"]).choose({"data": {"a": value}}) == way


def test_without_outputs_there_is_one_way():
    assert node().choose({"data": {"a": 1}}) == "result"
    assert node(outputs=["x"]).ways == ("out-0", "result", "default")


@pytest.mark.shows("conditional.expression", "failure")
def test_an_expression_that_is_none_is_a_fault():
    assert [code for _, code, _ in node(expression="f(a)").problems()] == ["expression.invalid"]
