"""Credentials do not reach stored payloads."""

import orjson
import pytest

from apps.runs.rules.redaction import HIDDEN, redacted


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "userPassword",
        "client_secret",
        "accessToken",
        "Authorization",
        "api_key",
        "API_KEY",
        "SECRET",
        "tOKEN",
    ],
)
def test_values_of_telling_keys_are_replaced_at_any_depth(name):
    payload = orjson.dumps({"a": [{"b": {name: "hush", "kept": 1}}]})
    assert orjson.loads(redacted(payload)) == {"a": [{"b": {name: HIDDEN, "kept": 1}}]}


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"total": 3}', b"password=hush", b"\xff\x00"])
def test_what_tells_nothing_or_is_not_json_stays_as_it_is(payload):
    assert redacted(payload) == payload


def test_numbers_and_flags_under_telling_keys_are_kept():
    payload = orjson.dumps({"tokens": 12, "has_password": True})
    assert orjson.loads(redacted(payload)) == {"tokens": 12, "has_password": True}
