"""The order load finds what was lost, doubled or made behind everybody's back."""

import random

import pytest

from examples.order_processing.load_test.orders import Tag, make_orders
from examples.order_processing.load_test.traces import EXAMPLES, faults

pytestmark = pytest.mark.spec("SPINE-2.3")

ACCEPTED = {"k1": "one", "k2": "two"}


def test_one_trace_for_each_accepted_order_is_no_fault():
    assert faults(ACCEPTED, {"orders": {"k1": ["one"], "k2": ["two"]}}) == []


@pytest.mark.parametrize(
    "found",
    [
        pytest.param({"k1": ["one"]}, id="lost"),
        pytest.param({"k1": ["one"], "k2": ["zero", "two"]}, id="doubled, the first never answered"),
        pytest.param({"k1": ["one"], "k2": ["two", "two"]}, id="one order told of twice"),
        pytest.param({"k1": ["one"], "k2": ["zero"]}, id="another order than the answer said"),
        pytest.param({"k1": ["one"], "k2": ["two"], "k3": ["three"]}, id="made of a key that was refused"),
    ],
)
def test_whatever_differs_from_the_accepted_orders_is_a_fault(found):
    assert len(faults(ACCEPTED, {"orders": {"k1": ["one"], "k2": ["two"]}, "instances": found})) == 1


def test_many_faults_of_one_kind_are_shortened_but_counted():
    said = faults({}, {"orders": {f"k{number}": ["x"] for number in range(40)}})
    assert len(said) == EXAMPLES + 1
    assert "40 keys" in said[-1]


def test_every_order_that_could_be_stored_carries_its_key():
    tag = Tag()
    orders = make_orders(200, ["a", "b"], random.Random(3), tag)
    storable = [order for order in orders if order.kind != "malformed"]
    assert all(tag.key_in(order.body.decode()) == order.key for order in storable)


def test_another_load_s_orders_are_not_ours():
    theirs = make_orders(1, ["a"], random.Random(3), Tag())[0]
    assert Tag().key_in(theirs.body.decode()) == ""
