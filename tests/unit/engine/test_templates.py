"""Templates: JSON trees whose texts hold `${...}`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.engine.expressions import BadExpression, compile_template, text_of
from apps.engine.outcome import StepFailed
from apps.engine.placeholders import secrets_in, split

DATA = {"total": 5.0, "qty": 3, "name": " Ada ", "vip": True, "items": [{"sku": "a"}], "tags": ["x", "y"]}
NAMES = {"data": DATA, "steps": {}}


def test_a_tree_without_placeholders_is_given_back_as_it_is():
    tree = {"a": [1, {"b": "plain $ {x}"}]}
    template = compile_template(tree)
    assert template.is_constant
    assert template.evaluate(NAMES) is tree


def test_a_lone_placeholder_keeps_the_type_of_its_value():
    assert compile_template("${items}").evaluate(NAMES) is DATA["items"]
    assert compile_template({"n": "${qty}", "b": "${vip}", "x": "${nothing}"}).evaluate(NAMES) == {
        "n": 3,
        "b": True,
        "x": None,
    }


def test_inside_a_text_the_value_is_written_out():
    template = compile_template("a${qty}b${total}c${vip}d${nothing}e${tags}f${name}")
    assert template.evaluate(NAMES) == 'a3b5ctruede["x","y"]f Ada '


def test_the_template_is_left_as_it_was():
    source = {"a": "${qty}", "b": ["${qty}", 1], "c": {"d": "${qty}", "e": "${total}"}}
    template = compile_template(source)
    assert template.evaluate(NAMES) == {"a": 3, "b": [3, 1], "c": {"d": 3, "e": 5.0}}
    assert source["b"] == ["${qty}", 1]
    assert not template.is_constant


def test_keys_keep_their_order():
    template = compile_template({"z": 1, "a": "${qty}", "m": "${total}", "b": 2})
    assert list(template.evaluate(NAMES)) == ["z", "a", "m", "b"]


def test_upper_snake_is_a_secret_and_anything_else_is_not():
    template = compile_template({"h": "Bearer ${API_TOKEN}", "lone": "${API_TOKEN}", "x": "${Api}"})
    assert template.secrets == {"API_TOKEN"}
    assert template.evaluate(NAMES, {"API_TOKEN": "s"}) == {"h": "Bearer s", "lone": "s", "x": None}


def test_a_doubled_dollar_writes_a_placeholder():
    assert compile_template("$${qty} ${qty}").evaluate(NAMES) == "${qty} 3"
    assert compile_template("$${qty}").evaluate(NAMES) == "${qty}"


def test_braces_and_quotes_inside_do_not_end_a_placeholder():
    assert compile_template("${'}' + \"{\"}").evaluate(NAMES) == "}{"
    assert compile_template("x ${ {'a': {'b': qty}}.a.b }").evaluate(NAMES) == "x 3"


@pytest.mark.parametrize(
    ("tree", "path", "offset"),
    [
        ("${}", (), 2),
        ("a ${  }", (), 4),
        ("ab ${qty", (), 3),
        ({"a": ["x", "see ${qty +}"]}, ("a", 1), 11),
    ],
)
def test_a_fault_has_its_path_and_place(tree, path, offset):
    with pytest.raises(BadExpression) as caught:
        compile_template(tree)
    assert (caught.value.path, caught.value.offset) == (path, offset)


def test_roots_and_notes_are_those_of_all_parts():
    template = compile_template(["${qty}", {"a": "${steps.x} ${data.qty-1}"}])
    assert template.roots == {"data", "steps"}
    assert [note.code for note in template.notes] == ["expression.dashed_name"]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="${}'\"aB_ .", max_size=30))
def test_no_text_breaks_the_splitting(text):
    try:
        parts = split(text)
    except BadExpression:
        assert secrets_in(text) == []
        return
    assert "".join(f"${{{p.text}}}" if p.kind != "text" else p.text for p in parts) == text.replace("$${", "${")


def test_a_secret_that_is_not_given_fails_the_step():
    with pytest.raises(StepFailed) as caught:
        compile_template("${API_TOKEN}").evaluate(NAMES, {})
    assert caught.value.code == "secret.missing"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (0.1, "0.1"),
        (1e20, "1e+20"),
        ("x", "x"),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)
def test_values_are_written_into_texts_like_this(value, text):
    assert text_of(value) == text


@pytest.mark.spec("CAT-B2")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("secret://API_TOKEN", "API_TOKEN"),
        ("secret://db.password", "DB_PASSWORD"),
        ("secret://env/crm-token", "CRM_TOKEN"),
        ("secret://tenant/CRM_TOKEN#latest", "CRM_TOKEN"),
        ("secret://tenant/crm.token#3", "CRM_TOKEN#3"),
    ],
)
def test_a_text_may_be_a_secret_as_a_whole(text, name):
    template = compile_template({"headers": [text]})
    assert template.secrets == {name}
    assert template.evaluate({}, {name: "hidden"}) == {"headers": ["hidden"]}


@pytest.mark.spec("CAT-B2")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("secret://", "is written"),
        ("secret://9lives", "beginning with a letter"),
        ("secret://a/b/c", "is written"),
        ("secret://vault/token", "no provider 'vault'"),
        ("secret://TOKEN#third", "a number or latest"),
        ("secret://TOKEN#0", "a number or latest"),
        ("secret://TOKEN#", "a number or latest"),
        ("secret://TOKEN and more", "is written"),
    ],
)
def test_a_secret_that_nobody_can_find_is_refused(text, what):
    with pytest.raises(BadExpression, match=what):
        compile_template(text)


@pytest.mark.spec("CAT-B2")
def test_a_secret_inside_a_longer_text_is_written_with_braces():
    assert compile_template("see secret://TOKEN").evaluate({}) == "see secret://TOKEN"
