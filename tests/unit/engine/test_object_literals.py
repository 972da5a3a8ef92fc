"""Object literals of `transform`: what they mean, and where they are wrong."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.celsyntax import BadExpression
from apps.engine.object_literals import LONGEST, ObjectLiteral

pytestmark = pytest.mark.spec("D22")

NAMES = {
    "data": {"id": 7, "a": {"b-c": [1, {"d": "x"}]}, "empty": "", "zero": 0, "no": False, "step-1": {"id": 9}},
    "steps": {"step-1": {"id": 9}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' { "a" : data.id , } ', {"a": 7}),
        ("{a: id, b: data.a.b-c.1.d}", {"a": 7, "b": "x"}),
        ('{"s": step-1.id, "t": steps.step-1.id}', {"s": 9, "t": 9}),
        ('{"m": data.nothing, "n": data.nothing.at.all}', {"m": None, "n": None}),
        ('{"m": data.nothing || data.empty || null || "else"}', {"m": "else"}),
        ('{"z": zero || 1, "f": no || true}', {"z": 0, "f": False}),
        ('{"m": data.nothing || data.empty}', {"m": ""}),
        ('{"l": [1, -2.5e1, "x", true, false, null, data.id, [id], {"k": id},]}',
         {"l": [1, -25.0, "x", True, False, None, 7, [7], {"k": 7}]}),
        ('{"q": "a\\"b\\u00e9 // ${data.id}"}', {"q": 'a"b\u00e9 // ${data.id}'}),
    ],
)  # fmt: skip
def test_bare_values_are_paths_and_the_rest_is_json(text, value):
    assert ObjectLiteral(text).evaluate(NAMES) == value


def test_it_says_its_keys_and_every_value_is_a_new_one():
    literal = ObjectLiteral('{"a": [], b: {}}')
    assert literal.keys == {"a", "b"}
    assert literal.evaluate(NAMES)["a"] is not literal.evaluate(NAMES)["a"]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("[1]", 0),
        ("{} x", 3),
        ("{a 1}", 3),
        ("{a: 1 b: 2}", 6),
        ("{a: }", 4),
        ("{a: 1, a: 2}", 7),
        ("{5: 1}", 1),
        ("{a: (1)}", 4),
        ("{a: 1 + 2}", 6),
        ("{a: data.x()}", 10),
        ('{a: "open}', 4),
        ('{a: "\\x"}', 4),
        ("{a: 01x}", 4),
        ("{a: 1", 5),
        ("{a: b ||}", 8),
        ("{a: b | c}", 6),
    ],
)
def test_what_is_none_is_refused_where_it_is_wrong(text, offset):
    with pytest.raises(BadExpression) as bad:
        ObjectLiteral(text)
    assert bad.value.offset == offset


def test_length_and_depth_have_caps():
    for text in ("{" + " " * LONGEST + "}", "{a:" * 40 + "1" + "}" * 40, "{a:" + "[" * 40 + "]" * 40 + "}"):
        with pytest.raises(BadExpression):
            ObjectLiteral(text)


def test_a_long_one_is_read_in_proportion():
    began = time.perf_counter()
    ObjectLiteral("{" + ",".join(f"a{n}: b" for n in range(1_500)) + "}")
    assert time.perf_counter() - began < 1.0


@given(st.text(alphabet='{}[]:,|"\\ ab1.-\n', max_size=60))
def test_any_text_is_a_literal_or_refused_inside_it(text):
    offset = 0
    try:
        ObjectLiteral(text).evaluate(NAMES)
    except BadExpression as bad:
        offset = bad.offset
    assert 0 <= offset <= len(text)
