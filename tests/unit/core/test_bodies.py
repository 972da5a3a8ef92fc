"""JSON bodies: what is taken, and how what cannot be kept is refused with its place."""

import io
import json

import orjson
import pytest

from apps.core.api.bodies import MOST_DEPTH, JsonParser, decoded
from apps.core.errors import BadRequest, TooLarge

pytestmark = pytest.mark.spec("SPINE-B7")


def refusal(content):
    with pytest.raises(BadRequest) as found:
        decoded(content if isinstance(content, bytes) else content.encode())
    return found.value


def pointers_of(content):
    found = refusal(content)
    assert (found.status, found.problem_code) == (400, "body.not-storable")
    return [error["pointer"] for error in found.extra["errors"]]


@pytest.mark.parametrize(
    "value",
    [None, True, "", "\x00", "é😀", -(2**63), 2**63 - 1, 1e300, -0.5, [], {"": [{}]}, "9" * 40, {"9" * 40: "[" * 200}],
)
def test_what_can_be_kept_is_taken_as_it_is(value):
    assert decoded(json.dumps(value).encode()) == value
    assert decoded(orjson.dumps(value)) == value


@pytest.mark.parametrize(
    "content", ["", "{", "nan", "[1,]", "{'a': 1}", '"\\x"', b'"\xff"', "01", "[NaN]", "1e999", "\ufeff1"]
)
def test_what_is_not_json_is_refused_with_line_and_column(content):
    found = refusal(content)
    assert (found.status, found.problem_code) == (400, "body.not-json")
    assert "line 1" in found.extra["errors"][0]["message"]


def test_half_a_character_is_pointed_at_in_keys_and_values():
    assert pointers_of('{"a": ["x", "\\ud800"], "b/c": {"\\udc00": 1}}') == ["/a/1", "/b~1c/\udc00"]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**30, "9" * 5000, "-" + "9" * 5000])
def test_whole_numbers_beyond_64_bits_are_pointed_at(number):
    assert pointers_of(f'{{"a": [{number}]}}') == ["/a/0"]


def test_many_faults_are_not_all_listed():
    assert len(pointers_of(json.dumps(["\ud800"] * 500))) == 20


@pytest.mark.parametrize("deep", ["[" * 900 + "]" * 900, "[" * 100_000, '{"a":' * 900 + "1" + "}" * 900])
def test_deep_nesting_is_refused_before_anything_recurses(deep):
    found = refusal(deep)
    assert (found.status, found.problem_code) == (400, "body.too-deep")


def test_depth_is_counted_outside_of_texts_only():
    good = "[" * MOST_DEPTH + '"' + "[{\\\\" * 500 + '\\""' + "]" * MOST_DEPTH
    assert decoded(good.encode())
    assert decoded(b"[" + b"[[]]," * 500 + b"1]")
    assert refusal("\n" + f"[{good}]").extra["errors"][0]["message"].endswith("line 2, column 101")


def test_a_body_that_is_too_large_is_not_even_read_to_its_end(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    stream = io.BytesIO(b'"12345678"' + b" " * 1000)
    with pytest.raises(TooLarge, match="10 bytes"):
        JsonParser().parse(stream)
    assert stream.tell() == 11
