"""YAML and JSON text to plain values, with the place of every key and value, within caps.

The C parser's events are folded into values here, so that nothing recurses, nothing is built before it is counted, and
the dialect is ours: `true`/`false` are the only booleans, `yes` and `12:30` are strings, dates stay strings, map keys
are strings, a repeated key is a finding, and an alias costs what it expands to.
"""

import gc
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from sys import intern
from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from apps.engine.codes import finding
from apps.engine.findings import Finding

INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
CONSTANTS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INT64 = 2**63
MAX_DIGITS = 400  # a longer number is text; Python refuses to read very long ones
CORE = "tag:yaml.org,2002:"
MERGE = "<<"
_BASES = {"0o": 8, "0x": 16}
_NEW = tuple.__new__  # of named tuples that are made by the hundred thousand
MAX_FINDINGS = 100  # of repeated keys; reading stops there


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may weigh; everything above is a finding, never memory."""

    text_bytes: int = 1024 * 1024
    depth: int = 100
    nodes: int = 200_000
    expanded_characters: int = 4 * 1024 * 1024


class Place(NamedTuple):
    """Where a value stands: its key (or itself, in a list), the value, how it is written, what is inside."""

    line: int
    column: int
    value_line: int
    value_column: int
    style: str
    children: Any = None  # dict[str, Place] | list[Place] | None


class Refused(Exception):
    """Reading stops here."""

    def __init__(self, code: str, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.finding = finding(code, "", message, line, column)


class _Frame:
    """A collection being filled."""

    __slots__ = ("anchor", "characters", "key", "key_at", "mark", "merges", "merging", "nodes", "places", "value")

    def __init__(self, value: Any, places: Any, mark: Any, anchor: str | None, reader: "Reader") -> None:
        self.value = value
        self.places = places
        self.mark = mark
        self.anchor = anchor
        self.nodes = reader.nodes
        self.characters = reader.characters
        self.key: str | None = None
        self.key_at: tuple[int, int] = (0, 0)
        self.merging = False
        self.merges: list[tuple[dict[str, Any], dict[str, Place]]] = []


class _Anchored(NamedTuple):
    value: Any
    place: Place
    nodes: int
    characters: int


class Reader:
    """Folds the events of the first document of a text."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.limits = limits
        self.nodes = 0
        self.characters = 0
        self._most_nodes, self._most_characters = limits.nodes, limits.expanded_characters
        self.findings: list[Finding] = []
        self.root: Any = None
        self.place = Place(1, 1, 1, 1, "", {})
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None while the anchored collection is still open
        self._parser = CParser(text)
        self._on: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open_map,
            yaml.SequenceStartEvent: self._open_list,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
        }

    def read(self) -> None:
        """Read up to the end of the first document; raise `Refused` or `yaml.YAMLError`."""
        with _uncollected():
            self._fold()

    def _fold(self) -> None:
        next_event = self._parser.get_event
        handlers = self._on
        while (event := next_event()) is not None and type(event) is not yaml.DocumentEndEvent:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        text = event.value
        self.nodes += 1
        self.characters += len(text)
        if self.nodes > self._most_nodes or self.characters > self._most_characters:
            raise self._too_many(mark, "yaml.too_many_nodes")
        style = event.style or ""
        frame = self._stack[-1] if self._stack else None
        if frame is not None and type(frame.value) is dict and frame.key is None:
            self._key(frame, event, style)
            return
        value = _plain(text) if event.tag is None and not style else _tagged(event.tag, text, mark)
        line, column = mark.line + 1, mark.column + 1
        place = _NEW(Place, (line, column, line, column, style, None))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, place, 1, len(text))
        if frame is not None and type(frame.value) is list:  # as `_attach`, for the most frequent case by far
            frame.value.append(value)
            frame.places.append(place)
        else:
            self._attach(value, place)

    def _key(self, frame: _Frame, event: Any, style: str) -> None:
        key = intern(event.value if style else _key_text(event.value))  # most are words of the format
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if event.anchor is not None:
            place = Place(line, column, line, column, style)
            self._anchors[event.anchor] = _Anchored(key, place, 1, len(key))
        frame.key = key
        frame.key_at = (line, column)
        frame.merging = key == MERGE and not style
        if key in frame.value and not frame.merging:
            first = frame.places[key].line
            self._report("yaml.duplicate_key", f"The key {key!r} is already set in line {first}.", line, column)

    def _report(self, code: str, message: str, line: int, column: int) -> None:
        if len(self.findings) >= MAX_FINDINGS:
            raise Refused(code, f"{message} There are more of these.", line, column)
        self.findings.append(finding(code, self._path(), message, line, column))

    def _path(self) -> str:
        steps = (f"[{len(f.value)}]" if type(f.value) is list else f".{f.key}" for f in self._stack)
        return "".join(steps).removeprefix(".")

    def _open_map(self, event: Any) -> None:
        self._open(event, {}, {})

    def _open_list(self, event: Any) -> None:
        self._open(event, [], [])

    def _open(self, event: Any, value: Any, places: Any) -> None:
        mark = event.start_mark
        self._no_complex_key(mark)
        frame = _Frame(value, places, mark, event.anchor, self)
        self._count(mark, 1, 0)
        if len(self._stack) >= self.limits.depth:
            message = f"Nested deeper than {self.limits.depth} levels."
            raise Refused("yaml.too_deep", message, mark.line + 1, mark.column + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(frame)

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        for values, places in frame.merges:
            for key, value in values.items():
                if key not in frame.value:
                    frame.value[key] = value
                    frame.places[key] = places[key]
        line, column = frame.mark.line + 1, frame.mark.column + 1
        place = Place(line, column, line, column, "", frame.places)
        if frame.anchor is not None:
            nodes, characters = self.nodes - frame.nodes, self.characters - frame.characters
            self._anchors[frame.anchor] = _Anchored(frame.value, place, nodes, characters)
        self._attach(frame.value, place)

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        self._no_complex_key(mark)
        if event.anchor not in self._anchors:
            raise Refused("yaml.aliases", f"There is no anchor &{event.anchor}.", mark.line + 1, mark.column + 1)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            message = f"The alias *{event.anchor} stands inside its own anchor."
            raise Refused("yaml.aliases", message, mark.line + 1, mark.column + 1)
        self._count(mark, anchored.nodes, anchored.characters, code="yaml.aliases")
        line, column = mark.line + 1, mark.column + 1
        self._attach(anchored.value, anchored.place._replace(line=line, column=column))

    def _attach(self, value: Any, place: Place) -> None:
        if not self._stack:
            self.root, self.place = value, place
            return
        frame = self._stack[-1]
        if type(frame.value) is list:
            frame.value.append(value)
            frame.places.append(place)
            return
        key = frame.key
        assert key is not None
        frame.key = None
        if key == MERGE and frame.merging:
            self._merge(frame, value, place)
        elif key not in frame.value:
            frame.value[key] = value
            line, column = frame.key_at
            frame.places[key] = Place(line, column, place.value_line, place.value_column, place.style, place.children)

    def _merge(self, frame: _Frame, value: Any, place: Place) -> None:
        values = value if type(value) is list else [value]
        places = place.children if type(value) is list else [place]
        if not all(type(item) is dict for item in values):
            frame.key = MERGE
            self._report("yaml.merge", "Only maps can be merged with <<.", *frame.key_at)
            frame.key = None
            return
        frame.merges.extend((item, where.children) for item, where in zip(values, places, strict=True))

    def _no_complex_key(self, mark: Any) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and type(frame.value) is dict and frame.key is None:
            message = "A key must be plain text, not a map, a list or an alias."
            raise Refused("yaml.key", message, mark.line + 1, mark.column + 1)

    def _count(self, mark: Any, nodes: int, characters: int, code: str = "yaml.too_many_nodes") -> None:
        self.nodes += nodes
        self.characters += characters
        if self.nodes > self._most_nodes or self.characters > self._most_characters:
            raise self._too_many(mark, code)

    def _too_many(self, mark: Any, code: str) -> Refused:
        message = f"More than {self._most_nodes} values, or too much text, once aliases are written out."
        return Refused(code, message, mark.line + 1, mark.column + 1)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector away: a tree that grows holds no garbage, and walking all of it takes a third of the time."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()


def _key_text(text: str) -> str:
    constant = CONSTANTS.get(text)
    return text if constant is None else str(constant).lower()


def _plain(text: str) -> Any:
    """Resolve an unquoted scalar as YAML 1.2 does; numbers that JSON cannot hold stay text."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in "+-.0123456789" or len(text) > MAX_DIGITS:
        return text
    if INTEGER.fullmatch(text):
        return _integer(text)
    return _decimal(text) if NUMBER.fullmatch(text) else text


def _integer(text: str) -> Any:
    number = int(text, _BASES.get(text[:2], 10))
    return number if -INT64 <= number < INT64 else _decimal(str(number))


def _decimal(text: str) -> Any:
    number = float(text)
    return number if math.isfinite(number) else text


def _tagged(tag: str | None, text: str, mark: Any) -> Any:
    """Resolve a quoted or explicitly tagged scalar."""
    if tag in (None, "!", CORE + "str", CORE + "timestamp"):
        return text
    value = _plain(text)
    expected = {CORE + "int": int, CORE + "float": (int, float), CORE + "bool": bool, CORE + "null": type(None)}
    kind: Any = expected.get(str(tag))
    if kind is None:
        raise Refused("yaml.tag", f"The tag {tag!r} means nothing here.", mark.line + 1, mark.column + 1)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Refused("yaml.tag", f"{text!r} is not {tag}.", mark.line + 1, mark.column + 1)
    return float(value) if tag == CORE + "float" else value
