"""JSON bodies as the whole API takes them: within a size, a depth and a range of numbers, and only what can be kept.

What is refused is refused here, with its place, before any view sees the body.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser

from apps.core.api.pointers import step
from apps.core.errors import BadRequest, TooLarge

MOST_DEPTH = 100  # as in documents; what is stored is wrapped a few levels deeper, and orjson writes no more than 254
MOST_FAULTS = 20
INT64 = 2**63
SHORTEST_TOO_LONG = 19  # digits; a whole number with fewer is in range

TOKENS = re.compile(rb'(?P<text>"(?:[^"\\]++|\\.)*+"?)|(?P<open>[\[{])|(?P<close>[\]}])', re.DOTALL)
DIGITS = re.compile(rb"[0-9]{%d}" % SHORTEST_TOO_LONG)
SURROGATE = re.compile("[\ud800-\udfff]")


class JsonParser(BaseParser):
    """The one parser of `application/json`."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body's value; raise `TooLarge` or a `BadRequest` that points at what is wrong."""
        return decoded(content_of(stream))


def content_of(stream: Any) -> bytes:
    """Read a whole body; raise `TooLarge` beyond DATA_UPLOAD_MAX_MEMORY_SIZE bytes."""
    most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    content: bytes = stream.read(most + 1)
    if len(content) > most:
        raise too_large()
    return content


def too_large() -> TooLarge:
    """Return the refusal of a body beyond the limit."""
    return TooLarge(f"A body may have at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")


def decoded(content: bytes) -> Any:
    """Return the value of a JSON text in UTF-8.

    Raises `BadRequest`: `body.too-deep`, `body.not-storable` (half a surrogate pair, a whole number beyond 64 bits with
    sign) with a pointer to each, `body.not-json` with line and column.
    """
    _demand_shallow(content)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        _demand_storable(content)
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise _refused("body.not-json", f"The body is not JSON: {where}.", [_fault("", where)]) from None
    if DIGITS.search(content):
        _demand_storable(content)
    return value


def _demand_shallow(content: bytes) -> None:
    """Measure the depth before anything recurses into it."""
    if content.count(b"[") + content.count(b"{") <= MOST_DEPTH:
        return
    depth = 0
    for token in TOKENS.finditer(content):
        depth += {"open": 1, "close": -1}.get(token.lastgroup or "", 0)
        if depth > MOST_DEPTH:
            line = content.count(b"\n", 0, token.start()) + 1
            column = token.start() - content.rfind(b"\n", 0, token.start())
            message = f"nested deeper than {MOST_DEPTH} levels at line {line}, column {column}"
            raise _refused("body.too-deep", f"The body is {message}.", [_fault("", message)])


def _demand_storable(content: bytes) -> None:
    """Look again with the slower parser, which takes what must be pointed at; text that it cannot read is not JSON."""
    try:
        value = json.loads(content.decode(), parse_int=_integer)
    except ValueError:
        return
    faults = list(islice(_faults(value, ""), MOST_FAULTS))
    if faults:
        raise _refused("body.not-storable", "Some of the body cannot be stored.", faults)


def _integer(digits: str) -> int:
    """Read a whole number; Python itself refuses to read very long ones."""
    return int(digits) if len(digits) <= SHORTEST_TOO_LONG + 1 else INT64


def _faults(value: Any, at: str) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if SURROGATE.search(key):
                yield _fault(f"{at}/{step(key)}", "the key holds half a surrogate pair, which is no character")
            yield from _faults(inner, f"{at}/{step(key)}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _faults(inner, f"{at}/{index}")
    elif isinstance(value, str) and SURROGATE.search(value):
        yield _fault(at, "the text holds half a surrogate pair, which is no character")
    elif isinstance(value, int) and not -INT64 <= value < INT64:
        yield _fault(at, "the whole number does not fit into 64 bits; send it as text")


def _fault(pointer: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "message": message}


def _refused(code: str, detail: str, errors: list[dict[str, str]]) -> BadRequest:
    return BadRequest(detail, code=code, errors=errors)
