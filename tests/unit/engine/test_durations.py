"""Durations in Go's form."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.durations import BadDuration, duration_seconds, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("0", 0),
        ("-2s", -2),
        ("+2s", 2),
        ("3us", 3e-6),
        ("3µs", 3e-6),
        ("7ns", 7e-9),
        (" 1m ", 60),
    ],
)
def test_a_duration_is_its_seconds(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "-", "30", "s", "1d", "1 s", "1h-3m", "x", "1e3s", "999999999h", "1hh"])
def test_anything_else_is_refused_with_a_reason(text):
    with pytest.raises(BadDuration) as caught:
        parse_duration(text)
    assert str(caught.value)


def test_a_day_gets_a_hint():
    with pytest.raises(BadDuration, match="24h"):
        parse_duration("30d")


@pytest.mark.spec("D9")
def test_a_plain_number_is_seconds():
    assert duration_seconds(7200) == 7200
    assert duration_seconds(1.5) == 1.5
    assert duration_seconds("2m") == 120


@pytest.mark.parametrize("value", [True, None, [], "-1s", -1, float("nan"), float("inf")])
def test_what_is_no_time_span_is_refused(value):
    with pytest.raises(BadDuration):
        duration_seconds(value)


@given(st.text(max_size=30))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    with contextlib.suppress(BadDuration):
        assert isinstance(parse_duration(text), float)
