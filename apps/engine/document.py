"""The first stage: text to Document, with the place of everything in it and nothing lost.

Loading never raises on bad input: it says what is wrong, where, and gives no document then. What a loaded document
means is the checker's business.
"""

import codecs
import copy
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import yaml

from apps.engine.codes import finding
from apps.engine.findings import Finding
from apps.engine.yamlreader import UNPRINTABLE, Limits, Place, Reader, Refused

DocumentPath = tuple[str | int, ...]
DEFAULT_LIMITS = Limits()

# JSON writes characters beyond U+FFFF as two escapes; YAML knows the eight-digit form only. Other escapes match as they
# are, so that a backslash that is itself escaped does not begin one.
ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|[\s\S])")


class Mark(NamedTuple):
    """A place in the text, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """One well-formed entry of `modules`."""

    name: str
    kind: str
    config: dict[str, Any]
    depends_on: list[str]
    branches: dict[str, str]
    path: DocumentPath
    section: str = ""  # the top-level key whose settings are among the config (`framework.py`)
    inherited: frozenset[str] = frozenset()  # the keys that come from there


class Marks(Mapping[DocumentPath, Mark]):
    """The place of every key and item, computed on demand from one compact tree."""

    def __init__(self, root: Place) -> None:
        self._root = root

    def __getitem__(self, path: DocumentPath) -> Mark:
        place, known = self.nearest(path)
        if known < len(path):
            raise KeyError(path)
        return Mark(place.line, place.column)

    def __iter__(self) -> Iterator[DocumentPath]:
        waiting: list[tuple[DocumentPath, Place]] = [((), self._root)]
        while waiting:
            path, place = waiting.pop()
            yield path
            waiting.extend(((*path, key), child) for key, child in reversed(_children(place)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def nearest(self, path: DocumentPath) -> tuple[Place, int]:
        """Return the place of the longest part of `path` that exists, and that part's length."""
        place = self._root
        for depth, step in enumerate(path):
            if not leads_on(place.children, step):
                return place, depth
            place = place.children[step]
        return place, len(path)


def leads_on(value: Any, step: str | int) -> bool:
    """Whether a map has this key, or a list this place."""
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)


def _children(place: Place) -> list[tuple[str | int, Place]]:
    if isinstance(place.children, dict):
        return list(place.children.items())
    return list(enumerate(place.children or ()))


def with_texts(data: dict[str, Any], texts: Mapping[DocumentPath, str]) -> dict[str, Any]:
    """Return plain data with other texts at places that it has; what leads to them is copied once."""
    changed: dict[DocumentPath, Any] = {(): dict(data)}
    for path, text in texts.items():
        for length in range(1, len(path)):
            if path[:length] not in changed:
                around = changed[path[: length - 1]]
                changed[path[:length]] = around[path[length - 1]] = copy.copy(around[path[length - 1]])
        changed[path[:-1]][path[-1]] = text
    return changed[()]  # type: ignore[no-any-return]


def _leading(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


class Document:
    """A loaded document: plain data, its text, and where everything stands.

    Where everything stands weighs as much as the data, and is asked for by findings alone: an application that serves
    has let go of it, and whoever asks all the same has the text read again.
    """

    def __init__(self, text: str, data: dict[str, Any], root: Place, limits: Limits = DEFAULT_LIMITS) -> None:
        self.text = text
        self.data = data
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()
        self._limits = limits
        self._marks: Marks | None = Marks(root)
        self.filled_at: frozenset[DocumentPath] = frozenset()  # texts of `data` that are not as they are written

    @property
    def marks(self) -> "Marks":
        """Where everything stands."""
        if self._marks is None:
            self._marks = Marks(_read(self.text, self._limits).place)
        return self._marks

    def forget_marks(self) -> None:
        """Let go of where everything stands."""
        self._marks = None
        self.__dict__.pop("_lines", None)

    def filled(self, texts: Mapping[DocumentPath, str]) -> "Document":
        """Return this document with other texts at some places: its own text and where things stand stay the same."""
        other = copy.copy(self)
        for kept in ("modules", "workflows", "triggers"):
            other.__dict__.pop(kept, None)
        other.data = with_texts(self.data, texts)
        other.filled_at = self.filled_at | texts.keys()
        return other

    def mark_of(self, path: DocumentPath) -> Mark:
        """Return the place of a key or item, or of the nearest thing around it."""
        place, _ = self.marks.nearest(path)
        return Mark(place.line, place.column)

    def value_mark(self, path: DocumentPath, offset: int = 0) -> Mark:
        """Return the place of the character `offset` inside the text value at `path`."""
        place, known = self.marks.nearest(path)
        if known < len(path):
            return Mark(place.line, place.column)
        if place.style in ("|", ">"):
            return self._in_block(place, path, offset)
        quote = 1 if place.style else 0
        return Mark(place.value_line, place.value_column + quote + offset)

    def _in_block(self, place: Place, path: DocumentPath, offset: int) -> Mark:
        value = self.value(path)
        before = value[:offset] if isinstance(value, str) else ""
        line = place.value_line + 1 + before.count("\n")
        written = self._lines[line - 1] if line <= len(self._lines) else ""
        begins = before.rfind("\n") + 1
        inside = value[begins:].partition("\n")[0] if isinstance(value, str) else ""
        indent = max(0, _leading(written) - _leading(inside))  # the block's own, not what the line adds
        return Mark(line, indent + 1 + len(before) - begins)

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines()

    def value(self, path: DocumentPath) -> Any:
        """Return what stands at `path`, None when there is nothing."""
        value: Any = self.data
        for step in path:
            if not leads_on(value, step):
                return None
            value = value[step]
        return value

    @cached_property
    def modules(self) -> list[ModuleEntry]:
        """The entries of `modules` that have a name and a type, in file order."""
        entries = self.data.get("modules")
        if not isinstance(entries, list):
            return []
        found = (_entry(entry, index) for index, entry in enumerate(entries))
        return [entry for entry in found if entry is not None]

    @cached_property
    def workflows(self) -> dict[str, dict[str, Any]]:
        """The workflow sections that are maps; an empty one is an empty map."""
        return _sections(self.data.get("workflows"))

    @cached_property
    def triggers(self) -> dict[str, dict[str, Any]]:
        """The triggers that are maps; an empty one is an empty map."""
        return _sections(self.data.get("triggers"))


def _entry(entry: Any, index: int) -> ModuleEntry | None:
    if not isinstance(entry, dict):
        return None
    name, kind = entry.get("name"), entry.get("type")
    if not (isinstance(name, str) and name and isinstance(kind, str) and kind):
        return None
    config, depends_on, branches = entry.get("config"), entry.get("dependsOn"), entry.get("branches")
    return ModuleEntry(
        name=name,
        kind=kind,
        config=config if isinstance(config, dict) else {},
        depends_on=[item for item in depends_on if isinstance(item, str)] if isinstance(depends_on, list) else [],
        branches={key: item for key, item in branches.items() if isinstance(item, str)}
        if isinstance(branches, dict)
        else {},
        path=("modules", index),
    )


def _sections(sections: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(sections, dict):
        return {}
    return {name: section or {} for name, section in sections.items() if section is None or isinstance(section, dict)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading gave: a document, or findings that say why not."""

    document: Document | None
    findings: tuple[Finding, ...] = field(default=())


def load(text: str | bytes, *, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Load YAML or JSON text; bad input becomes findings, never an exception."""
    try:
        decoded = _decode(text, limits)
        reader = _read(decoded, limits)
    except Refused as refused:
        return Loaded(None, (refused.finding,))
    except yaml.YAMLError as error:
        return Loaded(None, (_syntax(error, decoded),))
    if reader.findings:
        return Loaded(None, tuple(sorted(reader.findings)))
    data = {} if reader.root is None else reader.root
    if not isinstance(data, dict):
        place = reader.place
        wrong = finding("document.shape", "", "A document is a map with `modules`.", place.line, place.column)
        return Loaded(None, (wrong,))
    return Loaded(Document(decoded, data, reader.place, limits))


def _read(text: str, limits: Limits) -> Reader:
    reader = Reader(_json_escapes(text), limits)
    reader.read()
    return reader


def path_text(path: DocumentPath) -> str:
    """Write a path as findings show it: ("modules", 3, "config", "url") is `modules[3].config.url`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{step}" if parts else step)
    return "".join(parts)


def _decode(text: str | bytes, limits: Limits) -> str:
    size = len(text) if isinstance(text, bytes) else 0
    if size > limits.text_bytes:
        raise _too_large(limits)
    decoded = _from_bytes(text) if isinstance(text, bytes) else text
    decoded = decoded.removeprefix("\ufeff")
    bad = UNPRINTABLE.search(decoded)
    if bad is not None:
        line, column = _line_column(decoded, bad.start())
        raise Refused("yaml.encoding", f"The character U+{ord(bad[0]):04X} is not allowed here.", line, column)
    if not size and len(decoded.encode()) > limits.text_bytes:
        raise _too_large(limits)
    return decoded


def _too_large(limits: Limits) -> Refused:
    return Refused("yaml.too_large", f"A document may have at most {limits.text_bytes} bytes.")


def _from_bytes(text: bytes) -> str:
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Refused("yaml.encoding", "The text is UTF-16; save it as UTF-8.")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line, column = _line_column(text[: error.start].decode(), error.start)
        raise Refused("yaml.encoding", "The text is not UTF-8 here.", line, column) from None


def _line_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _json_escapes(text: str) -> str:
    if not text.lstrip().startswith(("{", "[")) or "\\u" not in text:
        return text
    return ESCAPE.sub(_one_escape, text)


def _one_escape(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[0]
    high, low = int(escape[1], 16), int(escape[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _syntax(error: yaml.YAMLError, text: str) -> Finding:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    context = getattr(error, "context", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    message = f"{context}: {problem}" if context else str(problem)
    lines = text.splitlines() or [""]
    if line > len(lines):  # the parser stands behind the end, where nobody can look
        line, column = len(lines), len(lines[-1]) + 1
    if "\t" in lines[line - 1][: column + 1]:
        message += "; indent with spaces, not with tabs"
    return finding("yaml.syntax", "", f"{message[:1].upper()}{message[1:]}.", line, column)
