"""Finding `${...}` in a text: braces and quotes inside an expression do not end it."""

import re
from typing import NamedTuple

from apps.engine.celsyntax import BadExpression

SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
OPENING = "${"
ESCAPED = "$${"
INSIDE = re.compile(r"""[{}]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)


class Part(NamedTuple):
    """A piece of a text: literal text, a secret's name, or the source of an expression."""

    kind: str  # text, secret, expression
    text: str
    offset: int


def split(text: str) -> list[Part]:
    """Split a text at its `${...}`; raise `BadExpression` for one that is empty or never closed."""
    parts: list[Part] = []
    literal = ""
    position = 0
    while (start := text.find(OPENING, position)) >= 0:
        if text.startswith(ESCAPED, start - 1) and start > position:
            literal += text[position : start - 1] + OPENING
            position = start + 2
            continue
        literal += text[position:start]
        end = _end_of(text, start + 2)
        if literal:
            parts.append(Part("text", literal, position))
            literal = ""
        parts.append(_placeholder(text[start + 2 : end], start + 2))
        position = end + 1
    literal += text[position:]
    if literal:
        parts.append(Part("text", literal, position))
    return parts


def secrets_in(text: str) -> list[Part]:
    """Return the secrets that a text names; a text that cannot be split names none."""
    try:
        return [part for part in split(text) if part.kind == "secret"]
    except BadExpression:
        return []


def _placeholder(source: str, offset: int) -> Part:
    if not source.strip():
        raise BadExpression("There is nothing between ${ and }.", offset)
    return Part("secret" if SECRET_NAME.fullmatch(source) else "expression", source, offset)


def _end_of(text: str, start: int) -> int:
    depth = 0
    for match in INSIDE.finditer(text, start):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            if depth == 0:
                return match.start()
            depth -= 1
    raise BadExpression("The ${ is never closed.", start - 2)
