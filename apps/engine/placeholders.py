"""Finding `${...}` in a text, and texts that are a secret as a whole: `secret://[provider/]path[#version]`.

Braces and quotes inside an expression do not end it.
"""

import re
from typing import NamedTuple

from apps.engine.celsyntax import BadExpression

SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
DOLLAR_NAME = re.compile(r"\$([A-Z][A-Z0-9_]*)")  # as a whole text, where signing keys stand (spec/modules.md 1.4)
ADDRESS = "secret://"
PROVIDERS = ("env", "tenant")  # both mean the secrets of whoever runs the document
NAMED = re.compile(r"(?<!\$)\$\{[A-Z][A-Z0-9_]*\}")
REFERENCE = re.compile(r"(?:([^/#]*)/)?([A-Za-z0-9._-]+)(?:#(.*))?")
NO_NAME = re.compile(r"[^A-Za-z0-9]+")
LATEST = "latest"
VERSION = re.compile(r"[1-9][0-9]{0,8}")
OPENING = "${"
ESCAPED = "$${"
INSIDE = re.compile(r"""[{}]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)


class Part(NamedTuple):
    """A piece of a text: literal text, a secret (`NAME` or `NAME#version`), or the source of an expression."""

    kind: str  # text, secret, expression
    text: str
    offset: int


def is_template(text: str) -> bool:
    """Whether there is something to fill in."""
    return OPENING in text or text.startswith(ADDRESS)


def means_secret(text: str) -> bool:
    """Whether somebody who wrote this meant a secret, were it one that cannot be read."""
    return text.startswith(ADDRESS) or NAMED.search(text) is not None


def split(text: str) -> list[Part]:
    """Split a text at its `${...}`; raise `BadExpression` for one that is empty or never closed."""
    if text.startswith(ADDRESS):
        return [_reference(text)]
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


def _reference(text: str) -> Part:
    """Read `secret://[provider/]path[#version]`; `db.password` is the name DB_PASSWORD (spec/platform.md 24)."""
    found = REFERENCE.fullmatch(text, len(ADDRESS))
    name = NO_NAME.sub("_", found[2]).upper() if found else ""
    if found is None or not SECRET_NAME.fullmatch(name):
        raise BadExpression("A secret is written secret://[provider/]path[#version], its path beginning with a letter.")
    if found[1] is not None and found[1] not in PROVIDERS:
        raise BadExpression(
            f"There is no provider {found[1]!r} of secrets; there are: {', '.join(PROVIDERS)}.", len(ADDRESS)
        )
    version = found[3]
    if version in (None, LATEST):
        return Part("secret", name, found.start(2))
    if not VERSION.fullmatch(version):
        raise BadExpression(f"A version of a secret is a number or {LATEST}, not {version!r}.", found.start(3))
    return Part("secret", f"{name}#{version}", found.start(2))


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
