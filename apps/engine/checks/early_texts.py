"""Secrets in config texts that are settled when a document is compiled: where they are, and filling them in.

A text that is filled in at the last moment (`late_places.py`) waits; every other text of a config with a secret gets
the value before anything reads it, as if the value had been written there. A value is never looked into.
"""

from collections.abc import Callable, Iterator
from typing import Any

from apps.engine.celsyntax import BadExpression
from apps.engine.checks.known import FRAMEWORK_KEYS
from apps.engine.checks.late_places import is_late
from apps.engine.checks.report import texts_in
from apps.engine.checks.scope import Scope
from apps.engine.document import Document, DocumentPath
from apps.engine.placeholders import ADDRESS, NAMED, OPENING, Part, means_secret, split

MOST_FILLED_IN = 1024 * 1024  # characters in one document: a long value that is named often must not make a huge one
CONNECTORS: DocumentPath = ("workflows", "integration", "connectors")

EarlyTexts = dict[DocumentPath, str]
ValueOf = Callable[[str], str | None]


class TooLong(Exception):
    """The texts with their values would be longer than a document may have them."""


def early_texts(scope: Scope) -> EarlyTexts:
    """Return every settled text with a secret that has not been filled in, by its place."""
    found: EarlyTexts = {}
    for path, config in _configs(scope.document):
        for inner, text in texts_in(config):
            place = (*path, *inner)
            is_meant = means_secret(text) and place not in scope.document.filled_at
            if is_meant and not _is_extension(inner) and not is_late(scope, place):
                found[place] = text
    return found


def _configs(document: Document) -> Iterator[tuple[DocumentPath, Any]]:
    for entry in document.modules:
        yield (*entry.path, "config"), entry.config
    listed = document.value(CONNECTORS)
    for index, connector in enumerate(listed if isinstance(listed, list) else ()):
        config = connector.get("config") if isinstance(connector, dict) else None
        if isinstance(config, dict):
            yield (*CONNECTORS, index, "config"), config
    for key in FRAMEWORK_KEYS:
        if isinstance(document.data.get(key), dict):
            yield (key,), document.data[key]


def _is_extension(path: DocumentPath) -> bool:
    return any(isinstance(step, str) and step.startswith("x-") for step in path)


def fault_of(text: str) -> tuple[str, int, str] | None:
    """Return why a text with a secret cannot be filled in: code, character, sentence; None when it can."""
    try:
        parts = split(text)
    except BadExpression as bad:
        return "config.invalid", bad.offset, bad.message
    if any(NAMED.search(part.text) for part in parts if part.kind == "expression"):
        offset = max(0, text.find(OPENING))
        return "secret.misplaced", offset, "A secret cannot stand inside of an expression here."
    return None


def references_in(text: str) -> list[str]:
    """Return the secrets that a settled text waits for, none when it cannot be filled in."""
    return [part.text for part in _secrets(text)] if fault_of(text) is None else []


def fill_in(early: EarlyTexts, value_of: ValueOf) -> EarlyTexts:
    """Return the texts whose secrets are all known, with the values; raise `TooLong`.

    Everything else stays as it is written: `${data.x}` and `$${` mean there what they mean without a secret.
    """
    found: EarlyTexts = {}
    room = MOST_FILLED_IN
    for path, text in early.items():
        pieces = _pieces(text, value_of)
        if pieces is None:
            continue
        room -= sum(map(len, pieces))
        if room < 0:
            raise TooLong
        found[path] = "".join(pieces)
    return found


def _pieces(text: str, value_of: ValueOf) -> list[str] | None:
    """Return what a text consists of with its values, None when one is not known or it cannot be filled in."""
    if fault_of(text) is not None:
        return None
    pieces: list[str] = []
    position = 0
    for part in _secrets(text):
        value = value_of(part.text)
        if value is None:
            return None
        begin, end = _span(text, part)
        pieces += (text[position:begin], value)
        position = end
    return [*pieces, text[position:]]


def _secrets(text: str) -> list[Part]:
    return [part for part in split(text) if part.kind == "secret"]


def _span(text: str, part: Part) -> tuple[int, int]:
    """Return where a secret is written, with what is around its name."""
    if text.startswith(ADDRESS):
        return 0, len(text)
    return part.offset - len(OPENING), part.offset + len(part.text) + 1
