"""Workflows of one text are told apart without moving: findings have the places of the whole text."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.check import CheckOptions, check
from apps.engine.document import load
from apps.engine.findings import DocumentRefused
from apps.engine.parts import holds_several, parts_of
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("CAT-B2")

BLOCK = """\
# Zwei Arbeitsabläufe ☃ 🎈
workflows:
  - name: Ünö 🎈
    modules:
      - {name: server, type: http.server, config: {address: ":1"}}
      - {name: odd, type: no.such.type}   # ☃
  # of the next one
  -   description: |
        several
        lines

      name: two
      modules: [{name: "ü🎈", type: http.router}, {name: worse, type: no.such.type}]
"""


def places(document):
    """Return what is found, in each part, at which line and column."""
    return [
        [(found.code, found.line, found.column) for found in check(load(part.text).document, registry(), CheckOptions())
         if found.code == "module.type.unknown"]
        for part in parts_of(document)
    ]  # fmt: skip


def at(text, what):
    line = next(number for number, each in enumerate(text.split("\n"), 1) if what in each)
    return line, text.split("\n")[line - 1].index(what)


def test_each_part_has_the_places_of_the_whole_text():
    document = load(BLOCK).document
    assert holds_several(document)
    assert [(part.key, part.has_moved) for part in parts_of(document)] == [("Ünö 🎈", False), ("two", False)]
    first, second = places(document)
    assert [place[1:] for place in (*first, *second)] == [(6, 21), (13, 64)]
    for (_, line, column), text in zip((*first, *second), ["type: no", "type: no"], strict=True):
        assert BLOCK.split("\n")[line - 1][column - 1 :].startswith(text)


@pytest.mark.parametrize("indent", [None, 2])
def test_an_export_as_json_is_taken_apart_as_well(indent):
    text = json.dumps(yaml.safe_load(BLOCK), indent=indent, ensure_ascii=False)
    document = load(text).document
    assert [part.has_moved for part in parts_of(document)] == [False, False]
    lines = text.split("\n")
    for found in places(document):
        ((_, line, column),) = found
        assert lines[line - 1][column - 1 :].startswith('"type": "no.such.type"')


def test_a_part_that_leans_on_an_anchor_elsewhere_is_written_anew():
    text = "x-a: &a [{name: server, type: http.server}]\nworkflows:\n- {name: one, modules: *a}\n- name: two\n"
    first, second = parts_of(load(text).document)
    assert (first.has_moved, first.line, second.has_moved) == (True, 3, False)
    assert load(first.text).document.data["modules"] == [{"name": "server", "type": "http.server"}]


def test_workflows_of_one_name_and_of_none_have_keys_of_their_own():
    text = "workflows: [{name: a}, {name: a}, {}, {name: ' '}]"
    assert [part.key for part in parts_of(load(text).document)] == ["a", "a 2", "Workflow 3", "Workflow 4"]


@pytest.mark.parametrize("text", ["workflows: []", "workflows: [5]", "workflows: [{name: 5}]"])
def test_a_list_with_faults_is_refused(text):
    with pytest.raises(DocumentRefused):
        parts_of(load(text).document)


def test_any_other_document_is_one():
    assert not holds_several(load("workflows: {}").document)


WORDS = st.text("aü☃🎈\n'\"#:- {}[],&*!|>%@\t", max_size=12)
VALUES = st.recursive(WORDS | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8)  # fmt: skip
ENTRIES = st.lists(st.fixed_dictionaries({}, optional={"name": WORDS, "x": VALUES, "modules": VALUES}), min_size=1,
                   max_size=4)  # fmt: skip


@given(ENTRIES, st.sampled_from([None, True, False]), st.booleans())
def test_whatever_stands_in_a_list_each_part_says_what_its_entry_says(entries, style, in_json):
    whole = {"before": 1, "workflows": entries, "x-after": "☃"}
    if in_json:
        text = json.dumps(whole, indent=2 if style else None, ensure_ascii=False)
    else:
        text = yaml.safe_dump(whole, default_flow_style=style, allow_unicode=bool(style), width=30)
    loaded = load(text)
    if loaded.document is None or loaded.findings:
        return
    told = loaded.document.data["workflows"]
    assert [load(part.text).document.data for part in parts_of(loaded.document)] == told
