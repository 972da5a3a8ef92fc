"""Durations as documents write them: Go style, `1h30m`, `500ms`, `2s`."""

import math
import re
from typing import Any

UNITS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([a-z\u00b5\u03bc]*)")
LONGEST = 2**63 / 1e9  # Go counts nanoseconds in 64 bits: about 292 years


class BadDuration(ValueError):
    """The text is not a duration; the message says why."""


def parse_duration(text: str) -> float:
    """Return the seconds of a Go duration such as `1h30m`; raise `BadDuration`."""
    body = text.strip()
    sign = -1.0 if body.startswith("-") else 1.0
    body = body[1:] if body[:1] in ("-", "+") else body
    if body == "0":
        return 0.0
    total, end = 0.0, 0
    while end < len(body):
        part = PART.match(body, end)
        if part is None:
            raise BadDuration(f"{text!r} is not a duration; write it like 30s or 1h30m")
        total += float(part[1]) * _unit(part[2], text)
        end = part.end()
    if end == 0:
        raise BadDuration("a duration cannot be empty")
    if total >= LONGEST:
        raise BadDuration(f"{text!r} is longer than 292 years")
    return sign * total


def duration_seconds(value: Any) -> float:
    """Return the seconds of a duration text, or of a number of seconds; raise `BadDuration`, also for less than 0."""
    if isinstance(value, str):
        seconds = parse_duration(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise BadDuration(f"a duration is a text like 30s, not {type(value).__name__}")
    if not (math.isfinite(seconds) and seconds >= 0):
        raise BadDuration(f"{value!r} is not a duration of zero or more")
    return seconds


def _unit(unit: str, text: str) -> float:
    if unit in UNITS:
        return UNITS[unit]
    if not unit:
        raise BadDuration(f"{text!r} lacks a unit: one of ns, us, ms, s, m, h")
    hint = "; write 24h for a day" if unit == "d" else ""
    raise BadDuration(f"{unit!r} in {text!r} is not a unit; use ns, us, ms, s, m or h{hint}")
