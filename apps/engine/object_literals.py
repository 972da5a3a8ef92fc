"""Object literals of `transform` (spec/modules.md 4.6): JSON whose bare values are dotted paths with a fallback.

    { "id": data.customer.id, "at": data.place || check-stock.place || "depot", "lines": [data.first, 2] }

Read into a tree once; nothing is evaluated but look-ups. A value that is missing, null or an empty text gives way to
what stands behind `||`; names may hold dashes; a comma behind the last item is allowed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from apps.engine.celsyntax import BadExpression
from apps.engine.lookups import lookup_closure, parse_lookup

LONGEST = 16_384  # characters
MOST_LEVELS = 32
TOKEN = re.compile(
    r"""\s*(?:(?P<mark>\|\||[{}\[\],:])|(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")"""
    r"""|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.-]))|(?P<path>[^\W\d][\w-]*(?:\.[\w-]+)*))"""
)
WORDS = {"true": True, "false": False, "null": None}
Maker = Callable[[Mapping[str, Any]], Any]


class ObjectLiteral:
    """One compiled literal; `evaluate(names)` gives the object. `keys` are those at its top."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise BadExpression(f"A transform has at most {LONGEST} characters.")
        reader = _Reader(text)
        self.evaluate, self.keys = reader.whole()
        self.roots = frozenset(reader.roots)


class _Reader:
    """A recursive descent over the tokens, as deep as `MOST_LEVELS`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind, self._token, self._start = "", "", 0
        self.roots: set[str] = set()
        self._next()

    def whole(self) -> tuple[Maker, frozenset[str]]:
        """Return the maker of the one object, and its keys."""
        self._need("{")
        items = self._items(0)
        if self._kind:
            raise BadExpression("Nothing may stand behind the object.", self._start)
        return _object(items), frozenset(items)

    def _next(self) -> None:
        found = TOKEN.match(self._text, self._at)
        if found is None:
            rest = self._text[self._at :]
            self._start = self._at + len(rest) - len(rest.lstrip())
            if rest.strip():
                raise BadExpression(f"{rest.strip()[:20]!r} is neither JSON nor a path.", self._start)
            self._kind, self._token = "", ""
            return
        self._kind = str(found.lastgroup)
        self._token, self._start, self._at = found[self._kind], found.start(self._kind), found.end()

    def _need(self, mark: str) -> None:
        if self._kind != "mark" or self._token != mark:
            raise BadExpression(f"Here {mark!r} is missing.", self._start)
        self._next()

    def _is(self, mark: str) -> bool:
        return self._kind == "mark" and self._token == mark

    def _items(self, level: int) -> dict[str, Maker]:
        """Read `key: value, ...}`; the opening brace is behind us."""
        items: dict[str, Maker] = {}
        while not self._is("}"):
            if self._kind not in ("text", "path"):
                raise BadExpression("Here a key is missing.", self._start)
            start, key = self._start, self._token if self._kind == "path" else self._said()
            if key in items:
                raise BadExpression(f"The key {key!r} is set twice.", start)
            self._next()
            self._need(":")
            items[key] = self._value(level)
            if not self._is("}"):
                self._need(",")
        self._next()
        return items

    def _list(self, level: int) -> Maker:
        items: list[Maker] = []
        while not self._is("]"):
            items.append(self._value(level))
            if not self._is("]"):
                self._need(",")
        self._next()
        return lambda names: [make(names) for make in items]

    def _value(self, level: int) -> Maker:
        choices = [self._single(level + 1)]
        while self._is("||"):
            self._next()
            choices.append(self._single(level + 1))
        if len(choices) == 1:
            return choices[0]

        def first(names: Mapping[str, Any]) -> Any:
            value = None
            for make in choices:
                value = make(names)
                if value is not None and value != "":
                    break
            return value

        return first

    def _single(self, level: int) -> Maker:
        if level > MOST_LEVELS:
            raise BadExpression(f"A transform nests at most {MOST_LEVELS} levels.", self._start)
        if self._is("{"):
            self._next()
            return _object(self._items(level))
        if self._is("["):
            self._next()
            return self._list(level)
        if self._kind in ("text", "number"):
            value = self._said()
        elif self._kind == "path" and self._token in WORDS:
            value = WORDS[self._token]
        elif self._kind == "path":
            return self._path()
        else:
            raise BadExpression("Here a value is missing.", self._start)
        self._next()
        return lambda names: value

    def _path(self) -> Maker:
        try:
            found = parse_lookup(self._token)
        except BadExpression as bad:
            raise BadExpression(bad.message, self._start) from None
        if found is None:
            raise BadExpression(f"{self._token!r} is no path.", self._start)
        root, path = found
        self.roots.add(root)
        self._next()
        return lookup_closure(root, path)

    def _said(self) -> Any:
        try:
            return orjson.loads(self._token)
        except orjson.JSONDecodeError:
            raise BadExpression(f"{self._token[:20]!r} is not JSON.", self._start) from None


def _object(items: dict[str, Maker]) -> Maker:
    return lambda names: {key: make(names) for key, make in items.items()}
