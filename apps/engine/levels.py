"""How far a module type is: computed from the tests that passed, never declared.

*draft* its own tests pass · *ready* and so do its example, a test of how it fails, and the test that every key is
described · *proven* and so does a test against the real counterpart. Tests say what they show by marks:
`spec(kind)`, `shows(kind, what)`, `proven(kind, counterpart)`.
"""

import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.engine.module import Module
from apps.engine.registry import Registry

OWN, COUNTERPART = "test", "counterpart"
SHOWN = ("example", "failure", "description")  # what `shows` may say
NEEDED = {"draft": (OWN,), "ready": (OWN, *SHOWN), "proven": (OWN, *SHOWN, COUNTERPART)}


@dataclass(frozen=True, slots=True)
class Level:
    """The level of one type; "" when its own tests did not pass. `missing` is what the next level wants."""

    name: str
    missing: tuple[str, ...] = ()


def level_of(evidence: Iterable[str]) -> Level:
    """Return the level that what was shown amounts to."""
    shown, name = set(evidence), ""
    for level, needed in NEEDED.items():
        missing = tuple(each for each in needed if each not in shown)
        if missing:
            return Level(name, missing)
        name = level
    return Level(name)


def evidence_of(tests: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return by kind what passing tests show and no failing one denies; `tests` is the report of `spec_plugin`.

    A skipped test shows nothing, and one that wanted a counterpart denies that the type was tested against it.
    """
    good: dict[str, set[str]] = {}
    bad: dict[str, set[str]] = {}
    for ended in tests.values():
        told = [(kind, OWN) for kind in ended.get("spec", ())] + [(kind, what) for kind, what in ended.get("shows", ())]
        if ended["outcome"] == "skipped":
            told = [(kind, what) for kind, what in told if what == COUNTERPART]
        into = good if ended["outcome"] == "passed" else bad
        for kind, what in told:
            into.setdefault(kind, set()).add(what)
    return {kind: shown - bad.get(kind, set()) for kind, shown in good.items()}


def source_digest(module_type: type[Module[Any]]) -> str:
    """Return the digest of a type's file and of the parts beside it: a level holds for what was tested."""
    file = Path(inspect.getfile(module_type))
    files = [file, *sorted(file.parent.glob("_[a-z]*.py"))]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


def write_levels(path: Path, registry: Registry, tests: Mapping[str, Mapping[str, Any]], at: str) -> None:
    """Write the evidence of every type down, with the digest of what was tested."""
    evidence = evidence_of(tests)
    types = {
        module_type.kind: {"source": source_digest(module_type), "shown": sorted(evidence.get(module_type.kind, ()))}
        for module_type in registry
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"at": at, "types": types}, indent=1), encoding="utf-8")


def read_level(path: Path, module_type: type[Module[Any]]) -> Level | None:
    """Return the level of a type as it was last tested; None when nothing is known of the file as it is now."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))["types"][module_type.kind]
        return level_of(known["shown"]) if known["source"] == source_digest(module_type) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
