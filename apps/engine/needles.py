"""Whether any of many byte strings stands in a payload, at a cost that hardly depends on how many there are.

Every eighth place of the payload is read as one number of eight bytes. Whatever is at least fifteen bytes long covers
one of those places whole, so only the numbers that its first eight places would give need to be known.
"""

import sys
from collections.abc import Iterable

WORD = 8
SHORTEST_BY_WORDS = 2 * WORD - 1
FEW = 4  # that many plain searches cost less


class Needles:
    """Byte strings to look for; an empty one stands everywhere."""

    __slots__ = ("_by_words", "_plain", "_words")

    def __init__(self, needles: Iterable[bytes]) -> None:
        all_of_them = sorted(set(needles))
        shortest = SHORTEST_BY_WORDS if len(all_of_them) > FEW else sys.maxsize
        self._by_words = tuple(each for each in all_of_them if len(each) >= shortest)
        self._plain = tuple(each for each in all_of_them if len(each) < shortest)
        self._words = frozenset(
            int.from_bytes(each[place : place + WORD], sys.byteorder)
            for each in self._by_words
            for place in range(WORD)
        )

    def any_in(self, payload: bytes) -> bool:
        """Whether one of them stands in there."""
        for needle in self._plain:
            if needle in payload:
                return True
        if not self._words or self._words.isdisjoint(memoryview(payload)[: len(payload) & -WORD].cast("Q")):
            return False
        return any(needle in payload for needle in self._by_words)
