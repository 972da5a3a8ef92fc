"""Real counterparts of module types: which of them no test met, and why.

Tests name them by `@pytest.mark.proven(kind, counterpart)`. A counterpart did not run when a test of it was skipped or
could not be set up, or when no test of it was collected at all: its file may have skipped itself while it was imported.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

UNCOLLECTED = "no test of it was collected"
Pair = tuple[str, str]  # kind and counterpart


@dataclass(frozen=True, slots=True)
class Absent:
    """A counterpart that no test met."""

    kind: str
    counterpart: str
    reason: str

    def __str__(self) -> str:
        return f"{self.counterpart} for {self.kind} ({self.reason})"


def absent_counterparts(
    tests: Mapping[str, Mapping[str, Any]], by_file: Mapping[str, Iterable[Iterable[str]]], *, whole: bool
) -> list[Absent]:
    """Return what did not run, by kind.

    `tests` is the report of the spec plugin, `by_file` the pairs that each test file is marked with. When chosen tests
    ran only (`whole` is false), what was never collected is nobody's fault.
    """
    marked = {file: [_pair(each) for each in pairs] for file, pairs in by_file.items()}
    missed: dict[Pair, str] = {}
    met: set[Pair] = set()
    for node, ended in tests.items():
        pairs = [_pair(each) for each in ended.get("proven", ())] if "::" in node else marked.get(node, [])
        if ended["outcome"] != "passed" and ended["reason"]:  # a test that ran and failed has none
            missed |= dict.fromkeys(pairs, ended["reason"])
        elif "::" in node:
            met |= set(pairs)
    known = {pair for pairs in marked.values() for pair in pairs} if whole else set()
    missed |= {pair: UNCOLLECTED for pair in known if pair not in met and pair not in missed}
    return [Absent(*pair, reason) for pair, reason in sorted(missed.items())]


def words_for(absent: Iterable[Absent]) -> Iterator[str]:
    """Yield what the closing line says of them; nothing when all ran."""
    named = [str(each) for each in absent]
    if named:
        yield f"{len(named)} counterpart{'s' if len(named) > 1 else ''} did not run: {', '.join(named)}"


def _pair(told: Iterable[str]) -> Pair:
    kind, counterpart = told
    return kind, counterpart
