"""One document to try, with what must come of it."""

from dataclasses import dataclass
from enum import StrEnum


class Wanted(StrEnum):
    """What must be said about a document; whatever it is, saying it must not crash or cost more than the limits."""

    CLEAN = "clean"  # it compiles
    FINDING = "finding"  # an error or something blocked, with its place
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Case:
    """A document by the way it was made."""

    made_by: str
    content: bytes
    wanted: Wanted = Wanted.ANYTHING
