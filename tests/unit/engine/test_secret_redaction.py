"""Values of secrets do not survive in texts and payloads, in whatever form they got there; all else stays."""

import base64
import html
import json
import string
from urllib.parse import quote, quote_plus, urlencode

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.engine.redaction import OWN_WORDS, KnownSecrets, Redactor
from apps.engine.run.program import HIDDEN

pytestmark = pytest.mark.spec("CAT-B2.15")

ALPHABET = string.ascii_letters + string.digits + "-_.~+/=!@#$%&?:;,'\"\\<>{}[]() \n\täж漢😀"
OTHER_TEXTS = st.text(string.ascii_lowercase.replace("q", "") + '"\\{ ')
VALUES = (
    st.text(ALPHABET, min_size=6, max_size=60)
    .map(str.strip)
    .filter(lambda value: len(value) >= 6 and sum(char.isalnum() for char in value) >= 4 and "\\" * 9 not in value)
    .filter(lambda value: value not in OWN_WORDS)
)
NEIGHBOURS = st.text("§¤", max_size=7)


def in_json(text):
    return json.dumps({"said": text})


FORMS = {
    "as it is": lambda text: text,
    "as JSON": in_json,
    "as JSON of orjson": lambda text: orjson.dumps([text]).decode(),
    "as JSON within JSON": lambda text: in_json(in_json(text)),
    "as a path of an address": quote,
    "as a part of an address": lambda text: quote(text, safe=""),
    "as a part of an address, in small letters": lambda text: quote(text, safe="").replace("%2F", "%2f"),
    "as a form": quote_plus,
    "as a query": lambda text: urlencode({"q": text}),
    "as an address within an address": lambda text: quote(quote(text, safe=""), safe=""),
    "as base64": lambda text: base64.b64encode(text.encode()).decode(),
    "as base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "as basic credentials": lambda text: "Basic " + base64.b64encode(f"user:{text}".encode()).decode(),
    "as base64 within an address": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "as hex": lambda text: text.encode().hex(),
    "as hex in capitals": lambda text: text.encode().hex().upper(),
    "as HTML": html.escape,
    "as a representation of Python": repr,
}


@pytest.mark.parametrize("form", FORMS)
@given(value=VALUES, before=NEIGHBOURS, after=NEIGHBOURS)
@example(value="hunter2!", before="", after="")
@example(value='a"b\\c/d', before="x", after="")
@example(value="tok-1234567890+/=", before="xy", after="z")
def test_a_value_does_not_survive_within_a_longer_text(form, value, before, after):
    made = FORMS[form](before + value + after)
    shown = Redactor([value]).text(made)
    assert HIDDEN in shown
    assert value not in shown
    assert FORMS[form](value) not in shown


@given(value=VALUES, before=NEIGHBOURS, after=NEIGHBOURS)
def test_a_value_does_not_survive_in_a_payload_and_the_rest_of_it_does(value, before, after):
    payload = orjson.dumps(
        {"kept": 1, "said": [before + value + after], "header": FORMS["as basic credentials"](value)}
    )
    shown = orjson.loads(Redactor([value]).payload(payload))
    assert shown == {"kept": 1, "said": [before + HIDDEN + after], "header": shown["header"]}
    assert HIDDEN in shown["header"]


@given(
    value=st.text("qjk", min_size=8, max_size=20), payload=st.text(string.ascii_lowercase.replace("q", "") + '"\\{ ')
)
def test_a_text_without_values_stays_as_it_is(value, payload):
    redactor = Redactor([f"q{value}", "Zb"])
    assert redactor.text(payload) == payload
    assert redactor.payload(payload.encode()) == payload.encode()
    tree = {"a": [payload, 1, None, True, {"b": payload}]}
    assert redactor.tree(tree) is tree


@given(value=VALUES, other=VALUES)
def test_values_that_overlap_are_hidden_together(value, other):
    both = value + other
    shown = Redactor([value, other, both]).text(f"<{both}>")
    assert value not in shown.replace(HIDDEN, "\0")
    assert other not in shown.replace(HIDDEN, "\0")


def test_what_stands_beside_a_value_is_kept():
    assert Redactor(["s3cret-token"]).text("Bearer s3cret-token, twice s3cret-token.") == (
        f"Bearer {HIDDEN}, twice {HIDDEN}."
    )


def test_a_short_value_is_hidden_only_where_it_is_the_whole_text():
    redactor = Redactor(["abc12"])
    assert redactor.tree({"pin": "abc12", "said": "abc123"}) == {"pin": HIDDEN, "said": "abc123"}
    assert orjson.loads(redactor.payload(b'{"pin":"abc12","n":[1]}')) == {"pin": HIDDEN, "n": [1]}
    assert redactor.payload(b"abc12") == HIDDEN.encode()
    assert redactor.payload(b"xabc12") == b"xabc12"


def test_a_number_that_is_the_value_is_hidden():
    payload = b'{"pin":12345678,"other":1234567,"flag":true}'
    assert orjson.loads(Redactor(["12345678"]).payload(payload)) == {"pin": HIDDEN, "other": 1234567, "flag": True}


def test_a_key_that_is_the_value_is_hidden():
    assert Redactor(["s3cret-token"]).tree({"s3cret-token": 1}) == {HIDDEN: 1}


def test_a_value_that_is_a_word_of_our_own_does_not_garble_our_own_keys():
    error = {"message": "no message", "data": "message"}
    assert Redactor(["message"]).tree(error) == {"message": "no message", "data": HIDDEN}


def test_white_space_around_a_value_may_be_lost():
    assert Redactor(["s3cret-token\n"]).text("Bearer s3cret-token") == f"Bearer {HIDDEN}"


def test_hiding_twice_changes_nothing_more():
    redactor = Redactor(["redacted", "s3cret-token"])
    once = redactor.text("s3cret-token")
    assert redactor.text(once) == once == HIDDEN


def test_what_is_not_utf_8_is_searched_too():
    assert Redactor(["s3cret-token"]).payload(b"\xff s3cret-token \xfe") == b"\xff [redacted] \xfe"


def test_what_is_nested_too_deeply_to_be_looked_at_is_hidden_as_a_whole():
    payload = b"[" * 1000 + b'"s3cret-token"' + b"]" * 1000
    assert Redactor(["s3cret-token"]).payload(payload) == orjson.dumps(HIDDEN)


@pytest.mark.parametrize("value", ["\\" * 600, "é" * 2000, '"' * 1500 + "x"])
def test_a_value_of_nothing_but_special_characters_is_found_in_its_common_forms(value):
    redactor = Redactor([value])
    for made in (value, orjson.dumps(value).decode(), quote(value, safe="")):
        assert HIDDEN in redactor.text(f"<{made}>")


def test_searching_stays_quick_whatever_value_and_text_are_made_of():
    redactor = Redactor(['"' * 6 + "abc", "\\" * 8 + "abc", "%" * 6 + "abc"])
    text = "\\" * 200_000 + "%25" * 50_000 + " abc"
    assert redactor.text(text) == text


def test_no_values_means_no_work():
    payload = b'{"a": 1}'
    assert not Redactor()
    assert Redactor().payload(payload) is payload


def test_what_is_used_is_known_from_then_on():
    known = KnownSecrets()
    assert (known.is_used, known.redactor.text("s3cret-token")) == (False, "s3cret-token")
    known.use("s3cret-token")
    assert (known.is_used, known.redactor.text("s3cret-token")) == (True, HIDDEN)
    known.renew(["other-token"], 2)
    assert (known.version, known.redactor.text("other-token")) == (2, HIDDEN)
