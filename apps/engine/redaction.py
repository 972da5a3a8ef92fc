"""Keep the values of secrets out of what is shown and logged: they are replaced wherever they stand, by value.

A value of at least six characters is found within longer texts and in its usual forms (`secret_forms`). A shorter one
would be found everywhere, so only a text that is wholly that value is replaced; so is one that is a word of our own.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from apps.engine.needles import Needles
from apps.engine.run.program import HIDDEN
from apps.engine.secret_forms import Form, forms_of

SHORTEST_WITHIN = 6  # characters
OWN_WORDS = frozenset({"detail", "errors", "message", "pointer", "status"})  # keys of our own errors and log lines


class Redactor:
    """Replaces values: a set of them that may grow.

    Adding one costs what it costs, and searching hardly more, however many there are (`needles.py`).
    """

    __slots__ = ("_anchors", "_forms", "_long", "_quoted", "_short")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._short: set[str] = set()
        self._long: set[str] = set()
        self._forms: dict[bytes, list[Form]] = {}  # by what is looked for first
        self._anchors = Needles()
        self._quoted = Needles()  # short values as JSON
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Replace these too."""
        for value in values:
            if value.strip() and value not in HIDDEN:
                # white space around a value is often lost, and the value is found within what still has it
                for each in {value, value.strip()}:
                    self._add(each)

    def _add(self, value: str) -> None:
        if len(value.strip()) < SHORTEST_WITHIN or value.strip() in OWN_WORDS:
            self._short.add(value)
            self._quoted.add(orjson.dumps(value))
        elif value == value.strip() and value not in self._long:
            for form in forms_of(value):
                self._forms.setdefault(form.anchor, []).append(form)
                self._anchors.add(form.anchor)
            self._long.add(value)

    def __bool__(self) -> bool:
        return bool(self._long or self._short)

    def may_be_in(self, payload: bytes) -> bool:
        """Whether a value may stand in there: plain searches only, because this is asked of many payloads."""
        return self._anchors.any_in(payload) or (
            bool(self._short) and (self._quoted.any_in(payload) or payload.decode("utf-8", "replace") in self._short)
        )

    def payload(self, payload: bytes) -> bytes:
        """Return JSON, or what else is there, without the values."""
        if not self.may_be_in(payload):
            return payload
        try:
            value = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return self.text(payload.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        shown = self.tree(value)
        return payload if shown is value else orjson.dumps(shown)

    def text(self, text: str) -> str:
        """Return a text without the values."""
        return HIDDEN if text in self._short else self._within(text)

    def _within(self, text: str) -> str:
        found = self._anchors.found_in(text.encode("utf-8", "surrogatepass"))
        spans = [span for anchor in found for form in self._forms[anchor] for span in form.spans(text)]
        return _without(text, spans) if spans else text

    def tree(self, value: Any) -> Any:
        """Return a JSON tree without the values: the very same object when there are none in it."""
        if not self:
            return value
        try:
            return self._tree(value)
        except RecursionError:  # nobody shows such a thing, and hiding all of it hides enough
            return HIDDEN

    def _tree(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            changed = {self._key(key): self._tree(item) for key, item in value.items()}
            is_same = all(mine is theirs for mine, theirs in zip(changed.values(), value.values(), strict=False))
            return value if is_same and changed.keys() == value.keys() else changed
        if isinstance(value, list | tuple):
            items = [self._tree(item) for item in value]
            return value if all(mine is theirs for mine, theirs in zip(items, value, strict=True)) else items
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in self._long:
            return HIDDEN
        return value

    def _key(self, key: Any) -> Any:
        return self._within(key) if isinstance(key, str) else key


NOTHING = Redactor()


class KnownSecrets:
    """What this process knows of one environment's secrets: their values, and whether one was used here."""

    __slots__ = ("__weakref__", "_values", "is_used", "redactor", "version")

    def __init__(self) -> None:
        self._values: set[str] = set()
        self.redactor = Redactor()
        self.is_used = False
        self.version = -1  # of the environment's secrets when they were last read

    def renew(self, values: Iterable[str], version: int) -> None:
        """Know exactly these from now on."""
        self.version = version
        wanted = set(values)
        if wanted != self._values:
            self._values, self.redactor = wanted, Redactor(wanted)

    def learn(self, values: Iterable[str]) -> None:
        """Know these too."""
        new = set(values) - self._values
        self.redactor.add(new)
        self._values |= new

    def use(self, value: str) -> None:
        """Note that a value is handed out."""
        self.is_used = True
        if value not in self._values:
            self.learn((value,))


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    position = 0
    for begin, end in sorted(spans):
        if end <= position:
            continue
        if begin >= position:
            pieces += (text[position:begin], HIDDEN)
        position = end
    return "".join((*pieces, text[position:]))
