"""One answer made of those of several backends."""

from collections.abc import Sequence
from typing import Any

import orjson

from apps.engine.http import Response
from apps.engine.ports import HttpReply

MISSING = b"x-proxy-missing"  # which backends are not in the answer
Answered = tuple[str, HttpReply | None]  # by whom, and what; None when there was no good answer


def merged(answers: Sequence[Answered]) -> Response | None:
    """Return the objects of all good answers as one, later ones winning; None when there is none."""
    found: dict[str, Any] = {}
    missing = []
    for name, reply in answers:
        value = _json(reply)
        if isinstance(value, dict):
            found |= value
        else:
            missing.append(name)
    return _answer(found, missing, len(answers))


def appended(answers: Sequence[Answered]) -> Response | None:
    """Return the values of all good answers in one list, lists taken apart; None when there is none."""
    found: list[Any] = []
    missing = []
    for name, reply in answers:
        value = _json(reply)
        if value is None:
            missing.append(name)
        else:
            found += value if isinstance(value, list) else [value]
    return _answer(found, missing, len(answers))


def _answer(value: Any, missing: list[str], asked: int) -> Response | None:
    if len(missing) == asked:
        return None
    response = Response.json(value)
    if missing:
        response.headers.append((MISSING, ", ".join(missing).encode("utf-8")))
    return response


def _json(reply: HttpReply | None) -> Any:
    if reply is None:
        return None
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
