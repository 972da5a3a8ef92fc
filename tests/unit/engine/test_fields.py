"""Dotted paths and logical field names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.fields import MISSING, FieldMapping, lookup

DATA = {"a": {"b": [10, {"c": "x"}]}, "a.b": {"d": 1}, "s": "four", "box": {"length": 9}, "n": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("s", "four"),
        ("a.b.d", 1),
        ("a.b", {"d": 1}),
        ("a.zip", MISSING),
        ("n", None),
        ("n.x", MISSING),
        ("s.length", 4),
        ("box.length", 9),
        ("a.length", 1),
        ("n.length", MISSING),
        ("s.length.x", MISSING),
        ("nothing", MISSING),
    ],
)
def test_the_longest_known_name_is_followed(path, value):
    assert lookup(DATA, path) == value


def test_numbers_index_lists():
    data = {"items": [1, {"q": 2}]}
    assert lookup(data, "items.1.q") == 2
    assert lookup(data, "items.2") is MISSING
    assert lookup(data, "items.x") is MISSING
    assert lookup(data, "items.length") == 2
    assert lookup(data, "items." + "9" * 5000) is MISSING


def test_the_mark_of_absence_is_false_and_named():
    assert not MISSING
    assert repr(MISSING) == "MISSING"


@given(st.text(max_size=20), st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_path_raises(path, value):
    lookup(value, path)


class TestLogicalNames:
    def test_the_first_present_name_is_read_even_when_it_is_null(self):
        mapping = FieldMapping({"body": ["Body", "text"], "n": "number", "bad": 5, "worse": [5]})
        assert mapping.read({"text": "t", "Body": None}, "body") is None
        assert mapping.read({"text": "t"}, "body") == "t"
        assert mapping.read({}, "body", "none") == "none"
        assert mapping.names("bad") == ("bad",)
        assert mapping.names("worse") == ("worse",)

    def test_without_a_mapping_names_stand_for_themselves_and_body_for_four(self):
        mapping = FieldMapping()
        assert mapping.read({"content": "c", "message": "m"}, "body") == "c"
        assert mapping.names("state") == ("state",)

    def test_texts_and_lists_of_another_type_read_as_empty(self):
        mapping = FieldMapping()
        assert mapping.read_text({"from": 5}, "from") == ""
        assert mapping.read_text({"from": "x"}, "from") == "x"
        assert mapping.read_list({"tags": "x"}, "tags") == []
        assert mapping.read_list({"tags": ["x"]}, "tags") == ["x"]

    def test_writing_goes_to_the_primary_name(self):
        data = {}
        FieldMapping({"body": ["Body", "text"]}).write(data, "body", "x")
        assert data == {"Body": "x"}
