"""Expressions of branch nodes: what they know, what they refuse, and that no message makes them fail."""

import pytest

from apps.engine.branching import compile_branch
from apps.engine.celsyntax import BadExpression

pytestmark = pytest.mark.spec("conditional.ifelse", "CAT-B2.7")

ORDER = {"total": 12, "priority": "express", "items": ["a", "b"], "paid": True, "ship-to": {"zip": "10115"}}


def value(text, data=ORDER):
    names = {"data": data, "input": data, "steps": {}, "request": None, "run": None, "error": None}
    return compile_branch(text).evaluate(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.priority", "express"),
        ("priority", "express"),
        ("ship-to.zip", "10115"),
        ("request.body.items.length", 2),
        ("order.total > 0 && order.total < 100000", True),
        ("order.total == 12.0", True),
        ("order.priority == 'express'", True),
        ('order.priority != "bulk" && (order.total <= 12 || order.total >= 100)', True),
        ("order.items.length > 2", False),
        ("!(order.paid == true)", False),
        ("!!order.paid", True),
        ("order.total > -1", True),
        ("order.missing == null", True),
        ("${order.total > 100}", False),
    ],
)
def test_what_the_language_knows(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize("data", [None, 7, "text", [], {"total": "12"}, {"total": True}, {"total": {"a": 1}}])
@pytest.mark.parametrize("text", ["order.total > 0", "order.total < 0", "order.items.length > 0", "order.total == 1"])
def test_values_of_another_kind_are_not_greater_less_or_equal(text, data):
    assert value(text, data) is False


@pytest.mark.parametrize(
    ("text", "offset", "part"),
    [
        ("inventory.available(order.items)", 10, "inventory.available()"),
        ("size(order.items) > 1", 0, "size()"),
        ("order.total + 1 > 2", 12, "'+'"),
        ("order.total > 1 ? 'a' : 'b'", 16, "nothing else"),
        ("[1, 2]", 0, "nothing else"),
        ("-order.total > 1", 0, "number"),
        ("order.total >", 13, "value is missing"),
        ("${foo(1)}", 2, "foo()"),
    ],
)
def test_anything_else_is_refused_at_its_place(text, offset, part):
    with pytest.raises(BadExpression) as refused:
        compile_branch(text)
    assert refused.value.offset == offset
    assert part in refused.value.message
