"""The fast closures against CEL itself: wherever they answer, CEL answers the same."""

import math
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.celfast import Closure, compile_fast
from apps.engine.celguard import ENVIRONMENT, MIXED, Program, T
from apps.engine.celnames import Prepared, prepare
from apps.engine.celsyntax import BadExpression
from apps.engine.celvalues import Doubtful
from apps.engine.outcome import StepFailed

EDGES = [0, 1, -1, 2, 7, -7, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
WHOLE = st.sampled_from(EDGES) | st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9)
DECIMAL = st.sampled_from([0.0, -0.0, 0.5, 1.0, -2.5, 1e308, 1e-308, 2.0**53]) | st.floats(
    allow_nan=False, allow_infinity=False
)
WORD = st.sampled_from(["", "a", "b", "ab", "A", "é", "😀", "a b", " x "]) | st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=4
)
SCALAR = st.none() | st.booleans() | WHOLE | DECIMAL | WORD
VALUE = (
    SCALAR
    | st.lists(SCALAR, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "k-1", "length"]), SCALAR, max_size=3)
)
CONTEXT = st.fixed_dictionaries({}, optional={name: VALUE for name in "abcd"})

PATHS = st.sampled_from(
    [
        "data.a",
        "b",
        "data.c.a",
        "d.b",
        "data['a']",
        "c['k-1']",
        "order.a",
        "order.c.b",
        "a[0]",
        "b[1]",
        "steps.s.a",
        "(a)",
        "a.length",
        "c.length",
        "size(b)",
        "b.size()",
        "has(data.a)",
        "has(c.b)",
        "default(a, 1)",
        "default(c.a, 'x')",
        "lower(a)",
        "b.upper()",
        "trim(a)",
        "data",
    ]
)
LITERALS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "3",
        "2.5",
        "-0.5",
        "1e3",
        "'a'",
        '"ab"',
        "''",
        "true",
        "false",
        "null",
        "[1, 'a', 2.5]",
        "[]",
        "[b]",
    ]
)
BINARY = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"])


def _larger(inner):
    return st.one_of(
        st.tuples(inner, BINARY, inner).map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]}"),
        st.tuples(inner, BINARY, inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]}) ? ({parts[1]}) : ({parts[2]})"),
        inner.map(lambda part: f"!({part})"),
        inner.map(lambda part: f"-({part})"),
        st.tuples(inner, st.sampled_from(["startsWith", "endsWith", "contains"]), inner).map(
            lambda parts: f"({parts[0]}).{parts[1]}({parts[2]})"
        ),
    )


EXPRESSION = st.recursive(PATHS | LITERALS, _larger, max_leaves=6)


def same(left, right):
    """Whether two JSON values are one and the same, types included; not-a-number equals itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


def outcome(program, names):
    """What CEL makes of it: a value, or a failure."""
    try:
        return program.evaluate(names), None
    except StepFailed as failed:
        return None, failed


class Understood(NamedTuple):
    """A text that both take: CEL and the closures."""

    text: str
    prepared: Prepared
    program: Program
    fast: Closure


def understood(text):
    """Return what is made of a text; None when there is nothing to compare, before data is made for it."""
    try:
        prepared = prepare(text)
        program = Program(prepared)
    except BadExpression:
        return None
    fast = compile_fast(prepared.tree)
    return None if fast is None else Understood(text, prepared, program, fast)


UNDERSTOOD = EXPRESSION.map(understood).filter(lambda found: found is not None)


@pytest.mark.spec("SPINE-B4", "SPINE-B4.4")
@settings(max_examples=600, deadline=None)
@given(UNDERSTOOD, CONTEXT, st.dictionaries(st.sampled_from(["s"]), CONTEXT, max_size=1))
def test_where_a_closure_answers_cel_gives_the_same(expression, data, steps):
    names = {"data": data, "steps": steps, "input": data}
    try:
        value = expression.fast(names)
    except (Doubtful, OverflowError):
        return
    expected, failure = outcome(expression.program, names)
    if failure is not None:  # the value holds something that JSON has no number for
        assert (failure.code, failure.message) == ("expression.arithmetic", "The result is not a number.")
    else:
        assert same(value, expected), (value, expected)


def by_plain_cel(expression):
    """Return a text with what CEL as it comes makes of it; None for our own functions, and what it does not take."""
    if expression.prepared.defaults or "order" in expression.text:
        return None
    try:
        return expression, ENVIRONMENT.compile(expression.prepared.text)
    except RuntimeError:
        return None


@settings(max_examples=200, deadline=None)
@given(UNDERSTOOD.map(by_plain_cel).filter(lambda found: found is not None), CONTEXT)
def test_cel_as_it_comes_agrees_wherever_it_has_an_answer(both, data):
    """The same without our own arithmetic for mixed numbers: plain CEL either agrees or refuses a mixture."""
    expression, plain = both
    try:
        value = expression.fast({"data": data})
    except (Doubtful, OverflowError):
        return
    found = plain.eval(data={"data": data})
    if found.type() == T.ERROR:
        assert MIXED.search(found.plain_value()), found.plain_value()
    else:
        assert same(value, found.plain_value())


def test_a_result_beyond_64_bits_is_left_to_cel():
    for text in ("a + 1", "a * 1", "-a"):
        with pytest.raises(Doubtful):
            compile_fast(prepare(text).tree)({"data": {"a": 2**63 if text != "-a" else -(2**63)}})
    assert compile_fast(prepare("a - a").tree)({"data": {"a": 2**63}}) == 0


@pytest.mark.parametrize(
    "text",
    [
        "items.map(i, i)",
        "data.?a",
        "data[?'a']",
        "data.?a.b",
        "f.a().b",
        "a[b]",
        "r'x' == a",
        "1u == a",
        "{'a': 1}",
        "[?data.?a]",
        "matches(a, 'x')",
        "has(data.?a)",
        "size(a, b)",
        "items.filter(i, i).a",
    ],
)
def test_what_has_no_closure_is_left_to_cel(text):
    assert compile_fast(prepare(text).tree) is None


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a.b", {"a": None}),
        ("a.b.c.d > 1", {"a": {"b": {}}}),
        ("order.a.b > 1", {"a": 5}),
        ("a[0]", {"a": {}}),
        ("f[0].x", {"f": [1]}),
        ("a && true", {"a": 1}),
        ("!a", {"a": 1}),
        ("-a", {"a": "x"}),
        ("-a", {"a": -(2**63)}),
        ("a ? 1 : 2", {"a": None}),
        ("a in b", {"a": "x", "b": 1}),
        ("a == b", {"a": [], "b": []}),
        ("a < b", {"a": None, "b": None}),
        ("a < b", {"a": 2**53 + 1, "b": 1.0}),
        ("a / b", {"a": 1, "b": 0}),
        ("a / b", {"a": "x", "b": 1}),
        ("a - b", {"a": "x", "b": "y"}),
        ("a * b", {"a": "x", "b": 3}),
        ("a + b", {"a": [], "b": []}),
        ("a % b", {"a": 1.0, "b": 1}),
        ("size(a)", {"a": 1}),
        ("a.length", {"a": 1}),
        ("lower(a)", {"a": "x\x00"}),
        ("has(a.b)", {"a": 1}),
    ],
)
def test_in_doubt_a_closure_gives_no_answer(text, data):
    fast = compile_fast(prepare(text).tree)
    with pytest.raises(Doubtful):
        fast({"data": data})


def test_a_member_of_a_list_item_is_followed():
    fast = compile_fast(prepare("f[1].x.y").tree)
    assert fast({"data": {"f": [0, {"x": {"y": 5}}]}}) == 5
