"""Which of many byte strings stand in a payload, at a cost that does not depend on how many there are.

Every eighth place of the payload is read as one number of eight bytes. Whatever is at least fifteen bytes long covers
one of those places whole, so a number that is known says where a string may begin and how long it is, and the piece
that stands there is one of the strings or not. Shorter ones go by numbers of four bytes in the same way, those of less
than seven bytes one by one.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Literal

FEW = 24  # that many plain searches cost less
Code = Literal["Q", "I"]
WORDS: tuple[tuple[int, Code], ...] = ((8, "Q"), (4, "I"))  # bytes of a word, and its code for `memoryview.cast`


class _Table:
    """Byte strings by the words that one of them must show at every aligned place."""

    __slots__ = ("_code", "_held", "_shown", "_size")

    def __init__(self, size: int, code: Code) -> None:
        self._size = size
        self._code: Code = code
        self._held: dict[bytes, None] = {}
        self._shown: dict[int, tuple[tuple[int, int], ...]] = {}  # by word: how far into a string of which length

    def takes(self, needle: bytes) -> bool:
        """Whether a string is long enough to cover an aligned word wherever it stands."""
        return len(needle) >= 2 * self._size - 1

    def add(self, needle: bytes) -> None:
        """Look for one more."""
        self._held[needle] = None
        for place in range(self._size):
            word = int.from_bytes(needle[place : place + self._size], sys.byteorder)
            known = self._shown.get(word, ())
            if (place, len(needle)) not in known:
                self._shown[word] = (*known, (place, len(needle)))

    def found_in(self, payload: bytes) -> Iterable[bytes]:
        """Return the strings that stand in there, each once."""
        if len(self._held) <= FEW:
            return [needle for needle in tuple(self._held) if needle in payload]
        words = memoryview(payload)[: len(payload) & -self._size].cast(self._code)
        if self._shown.keys().isdisjoint(words):
            return ()
        hits = [(index * self._size, word) for index, word in enumerate(words) if word in self._shown]
        begins = ((at - place, length) for at, word in hits for place, length in self._shown[word] if place <= at)
        pieces = dict.fromkeys(payload[begin : begin + length] for begin, length in begins)
        return [piece for piece in pieces if piece in self._held]


class Needles:
    """Byte strings to look for; an empty one stands everywhere."""

    __slots__ = ("_known", "_tables", "_tiny")

    def __init__(self, needles: Iterable[bytes] = ()) -> None:
        self._known: set[bytes] = set()
        self._tables = tuple(_Table(size, code) for size, code in WORDS)
        self._tiny: list[bytes] = []
        for needle in needles:
            self.add(needle)

    def add(self, needle: bytes) -> None:
        """Look for one more; the cost does not depend on how many there are."""
        if needle in self._known:
            return
        self._known.add(needle)
        table = next((table for table in self._tables if table.takes(needle)), None)
        if table is None:
            self._tiny.append(needle)
        else:
            table.add(needle)

    def found_in(self, payload: bytes) -> Iterator[bytes]:
        """Yield those that stand in there."""
        for needle in self._tiny:
            if needle in payload:
                yield needle
        for table in self._tables:
            yield from table.found_in(payload)

    def any_in(self, payload: bytes) -> bool:
        """Whether one of them stands in there."""
        return bool(self._known) and any(True for _ in self.found_in(payload))
