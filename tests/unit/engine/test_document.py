"""Loading: the YAML dialect, the places of things, and what bad text gets."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.document import Limits, load, path_text
from apps.engine.findings import Severity

JSON_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8)
JSON_TREES = st.recursive(
    JSON_LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)


def data_of(text):
    loaded = load(text)
    assert loaded.findings == ()
    return loaded.document.data


def only(text, **limits):
    """The single finding of a text that does not load."""
    loaded = load(text, limits=Limits(**limits))
    assert loaded.document is None
    assert len(loaded.findings) == 1
    assert loaded.findings[0].severity is Severity.ERROR
    return loaded.findings[0]


@pytest.mark.spec("SPINE-B4", "SPINE-B4.1")
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("+5", 5),
        ("-7", -7),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e400", "1e400"),
        (".inf", ".inf"),
        (".", "."),
        ("-", None),
        ("99999999999999999999", 1e20),
        ("9223372036854775807", 2**63 - 1),
        ("1" * 5000, "1" * 5000),
        ("2020-01-01", "2020-01-01"),
        ("~", None),
        ("null", None),
        ("''", ""),
        ("'1'", "1"),
        ('"true"', "true"),
        ("30s", "30s"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("! 5", "5"),
    ],
)
def test_a_scalar_reads_as_yaml_1_2_does(written, read):
    if written == "-":
        assert data_of("a:\n  -") == {"a": [None]}
        return
    value = data_of(f"a: {written}")["a"]
    assert value == read
    assert type(value) is type(read)


def test_map_keys_are_text_whatever_they_look_like():
    assert data_of("1: a\ntrue: b\nTrue2: c\n1.50: d\n~: e") == {
        "1": "a",
        "true": "b",
        "True2": "c",
        "1.50": "d",
        "~": "e",
    }


def test_an_empty_text_is_an_empty_document():
    for text in ("", "   \n", "# nothing\n", "---\n", "~", "null"):
        assert data_of(text) == {}
    assert load("").document.modules == []


def test_only_the_first_document_of_a_text_is_read():
    assert data_of("a: 1\n---\nb: [") == {"a": 1}


@pytest.mark.spec("SPINE-B9")
def test_json_is_read_like_yaml_with_places():
    document = load('{\n\t"modules": [\n\t\t{"name": "\\ud83d\\ude00\\u00e9", "type": "x\\/y"}\n\t]\n}').document
    assert document.data == {"modules": [{"name": "\U0001f600é", "type": "x/y"}]}
    assert document.mark_of(("modules", 0, "name")) == (3, 4)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=6), JSON_TREES, max_size=5))
def test_every_json_object_loads_to_itself(value):
    assert data_of(json.dumps(value)) == value


def test_anchors_aliases_and_merge_keys_work():
    text = "base: &b {p: 1, q: 2}\none: {<<: *b, q: 3}\ntwo: {<<: [*b, {r: 4}]}\nlist: [*b]\nkey: &k v\n*k : w"
    assert load(text).findings[0].code == "yaml.key"
    assert data_of(text.rpartition("\n")[0]) == {
        "base": {"p": 1, "q": 2},
        "one": {"q": 3, "p": 1},
        "two": {"p": 1, "q": 2, "r": 4},
        "list": [{"p": 1, "q": 2}],
        "key": "v",
    }
    assert data_of("&k name: 1\nother: *k") == {"name": 1, "other": "name"}


def test_a_quoted_merge_sign_is_an_ordinary_key():
    assert data_of('"<<": {a: 1}') == {"<<": {"a": 1}}


def test_merging_what_is_no_map_is_a_finding():
    assert only("a: {<<: 1}").code == "yaml.merge"
    assert only("a: {<<: [1]}").code == "yaml.merge"


def test_merged_keys_keep_the_place_they_come_from():
    document = load("base: &b\n  p: 1\none:\n  <<: *b\n").document
    assert document.mark_of(("one", "p")) == (2, 3)


@pytest.mark.spec("SPINE-B4", "SPINE-B9", "SPINE-B4.1")
def test_every_repeated_key_is_named_with_its_place_and_path():
    loaded = load("modules:\n  - name: a\n    name: b\nx: 1\nx: 2\n")
    assert [(found.code, found.path, found.line, found.column) for found in loaded.findings] == [
        ("yaml.duplicate_key", "modules[0].name", 3, 5),
        ("yaml.duplicate_key", "x", 5, 1),
    ]
    assert "line 2" in loaded.findings[0].message


def test_very_many_repeated_keys_stop_the_reading():
    loaded = load("a: 1\n" * 500)
    assert 1 <= len(loaded.findings) <= 100


@pytest.mark.spec("SPINE-B9", "SPINE-B4.1")
@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: [1", "yaml.syntax", 1),
        ("a: [\n", "yaml.syntax", 1),
        ("a: 1\rb: [", "yaml.syntax", 2),
        ("a: 'x", "yaml.syntax", 1),
        ("a: b: c", "yaml.syntax", 1),
        ("a:\n\t- b", "yaml.syntax", 2),
        ("a: 1\n b: 2", "yaml.syntax", 2),
        ("a: \x00", "yaml.encoding", 1),
        ("a: 1\nb: \x07", "yaml.encoding", 2),
        ("a: \ud800", "yaml.encoding", 1),
        (b"a: 1\nb: \xff", "yaml.encoding", 2),
        ("a: 1".encode("utf-16"), "yaml.encoding", 1),
        ("? [1]\n: 2", "yaml.key", 1),
        ("a: !thing b", "yaml.tag", 1),
        ("a: !!int x", "yaml.tag", 1),
        ("a: !!int true", "yaml.tag", 1),
        ("a: *b", "yaml.aliases", 1),
        ("a: &a [*a]", "yaml.aliases", 1),
        ("- a", "document.shape", 1),
        ("just text", "document.shape", 1),
        ('{"a": "\\ud800"}', "yaml.syntax", 1),
        ("[" * 100_000, "yaml.too_deep", 1),
        ("{a: " * 100_000, "yaml.too_deep", 1),
    ],
)
def test_bad_text_is_one_located_finding(text, code, line):
    found = only(text)
    assert (found.code, found.line) == (code, line)
    assert found.column >= 1


@pytest.mark.parametrize("text", ["a: [", "a: 1\nb: {c: [", "a: 1\r\nb: [", "a: [\u2028", "[\n\n"])
def test_what_is_missing_at_the_end_is_reported_in_a_line_that_there_is(text):
    found = only(text)
    lines = text.splitlines()
    assert found.line == len(lines)
    assert found.column <= len(lines[-1]) + 1


def test_a_tab_in_the_indentation_is_named_as_such():
    assert "tabs" in only("a:\n\t- b").message


@pytest.mark.spec("SPINE-B4.1")
def test_text_beyond_the_cap_is_refused_as_text_and_as_bytes():
    assert only("a: " + "x" * 100, text_bytes=50).code == "yaml.too_large"
    assert only(b"a: " + b"x" * 100, text_bytes=50).code == "yaml.too_large"
    assert load("# é\n", limits=Limits(text_bytes=5)).document is not None


@pytest.mark.spec("SPINE-B4", "SPINE-B4.1")
def test_an_alias_bomb_costs_neither_time_nor_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.process_time()
    assert only("\n".join(lines)).code == "yaml.aliases"
    assert time.process_time() - started < 1


def test_an_alias_of_a_long_text_counts_what_it_expands_to():
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]"
    assert only(text).code == "yaml.aliases"


def test_merging_a_large_map_again_and_again_is_counted():
    base = ", ".join(f"k{n}: 1" for n in range(1000))
    text = f"a: &a {{{base}}}\n" + "\n".join(f"b{n}: {{<<: *a}}" for n in range(500))
    assert only(text).code == "yaml.aliases"


def test_too_many_values_are_refused():
    assert only(f"a: [{'1,' * 200_000}]").code == "yaml.too_many_nodes"


def test_a_hundred_thousand_lines_load_in_time():
    started = time.process_time()
    assert len(data_of("a:\n" + "- 1\n" * 99_999)["a"]) == 99_999
    assert time.process_time() - started < 20


@pytest.mark.spec("SPINE-B4", "SPINE-B4.1")
def test_ten_thousand_modules_load_in_linear_time():
    def seconds(count):
        text = "modules:\n" + "".join(f"- {{name: m{n}, type: http.handler, dependsOn: [a]}}\n" for n in range(count))
        started = time.process_time()
        assert len(load(text).document.modules) == count
        return time.process_time() - started

    seconds(100)
    bound = 40 * min(seconds(1000) for _ in range(3))
    assert any(seconds(10_000) < bound for _ in range(3))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_whatever_raises(text):
    loaded = load(text)
    assert (loaded.document is None) == bool(loaded.findings)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"\n #?,<%@\t1", max_size=120))
def test_no_text_that_looks_like_yaml_raises(text):
    loaded = load(text)
    assert (loaded.document is None) == bool(loaded.findings)


@pytest.mark.spec("SPINE-B4.1")
def test_places_are_those_of_keys_and_items():
    document = load("modules:\n  - name: a\n    config:\n      url: x\n      hosts: [one, two]\n").document
    assert document.mark_of(("modules",)) == (1, 1)
    assert document.mark_of(("modules", 0)) == (2, 5)
    assert document.mark_of(("modules", 0, "config", "url")) == (4, 7)
    assert document.mark_of(("modules", 0, "config", "hosts", 1)) == (5, 20)
    assert document.mark_of(("modules", 0, "config", "no", "such")) == (3, 5)
    assert document.mark_of(("modules", 7)) == (1, 1)
    assert document.marks[("modules", 0, "name")] == (2, 5)
    assert ("modules", 0, "nothing") not in document.marks
    assert next(iter(document.marks)) == ()
    assert len(document.marks) == 9


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("a: data.x", 5, (1, 9)),
        ("a: 'data.x'", 5, (1, 10)),
        ('a: "data.x"', 0, (1, 5)),
        ("a: |\n  one\n  two", 6, (3, 5)),
        ("a: >-\n    one two\n", 4, (2, 9)),
        ("b: 1", 3, (1, 1)),
    ],
)
def test_a_character_inside_a_text_has_a_place(text, offset, place):
    assert load(text).document.value_mark(("a",), offset) == place


def test_module_entries_are_typed_and_malformed_ones_left_out():
    document = load(
        "modules:\n- {name: a, type: t, config: {k: 1}, dependsOn: [b, 1], branches: {'true': b, x: 1}}\n"
        "- 5\n- {name: '', type: t}\n- {type: t}\n- {name: c, type: u, config: 1, dependsOn: 1, branches: 1}\n"
    ).document
    first, last = document.modules
    assert (first.name, first.kind, first.config, first.depends_on) == ("a", "t", {"k": 1}, ["b"])
    assert (first.branches, first.path) == ({"true": "b"}, ("modules", 0))
    assert (last.name, last.config, last.depends_on, last.branches) == ("c", {}, [], {})
    assert load("modules: 5").document.modules == []


def test_sections_are_the_maps_among_them():
    document = load("workflows: {http: {routes: []}, messaging: , event: 5}\ntriggers: []").document
    assert document.workflows == {"http": {"routes": []}, "messaging": {}}
    assert document.triggers == {}


def test_values_are_found_by_path():
    document = load("a: [{b: 1}]").document
    assert document.value(("a", 0, "b")) == 1
    assert document.value(("a", 3)) is None
    assert document.value(("a", "b")) is None


def test_the_digest_is_that_of_the_text():
    assert load("a: é").document.sha256 == load("a: é".encode()).document.sha256
    assert load("a: 1").document.sha256 != load("a: 2").document.sha256


def test_a_byte_order_mark_is_dropped():
    assert data_of("\ufeffa: 1") == {"a": 1}
    assert data_of(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_paths_are_written_as_findings_show_them():
    assert path_text(("modules", 3, "config", "url")) == "modules[3].config.url"
    assert path_text(()) == ""


@pytest.mark.spec("SPINE-B4.1")
def test_where_things_stand_can_be_let_go_of_and_is_read_again_when_asked_for():
    document = load("modules:\n  - name: a\n    type: |\n      two ${x}\n      lines\n").document
    paths = [("modules",), ("modules", 0, "name"), ("modules", 0, "none")]
    before = [document.mark_of(path) for path in paths], document.value_mark(("modules", 0, "type"), 4)
    marks = dict(document.marks)
    for _ in range(2):
        document.forget_marks()
        assert ([document.mark_of(path) for path in paths], document.value_mark(("modules", 0, "type"), 4)) == before
        assert dict(document.marks) == marks
