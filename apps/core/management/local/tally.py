"""Counting: how tests ended, which promised lines they prove, and how much of each app they ran."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.core.management.local.counterparts import Absent, absent_counterparts, words_for

FLOORS = {"apps/engine": 90.0, "apps/modules/catalog": 90.0}
FLOOR = 80.0
CATALOG = "apps/modules/catalog"


@dataclass
class Tally:
    """Outcomes of all suites together."""

    tests: dict[str, dict[str, Any]] = field(default_factory=dict)
    promised: list[str] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    counterparts: dict[str, list[list[str]]] = field(default_factory=dict)

    def add_pytest(self, report: Path) -> None:
        """Take in what the spec plugin wrote; a run that left nothing has failed."""
        if not report.is_file():
            self.failed += 1
            return
        found = json.loads(report.read_text(encoding="utf-8"))
        self.promised, self.lines = found["promised"], found.get("lines", {})
        self.counterparts |= found.get("counterparts", {})
        for node, ended in found["tests"].items():
            self.tests[node] = ended
            self._count(ended["outcome"])

    def add_vitest(self, report: Path) -> None:
        """Take in Vitest's JSON report."""
        if not report.is_file():
            self.failed += 1
            return
        found = json.loads(report.read_text(encoding="utf-8"))
        self.passed += int(found["numPassedTests"])
        self.failed += int(found["numFailedTests"])
        self.skipped += int(found["numPendingTests"]) + int(found.get("numTodoTests", 0))

    def refuse_skips(self, allowed: Iterable[str]) -> list[str]:
        """Turn skips that are not on the list into failures; returns them with their reasons."""
        prefixes = tuple(allowed)
        refused = [
            f"{node}: {ended['reason']}"
            for node, ended in self.tests.items()
            if ended["outcome"] == "skipped" and not (prefixes and node.startswith(prefixes))
        ]
        self.skipped -= len(refused)
        self.failed += len(refused)
        return refused

    def skips(self) -> dict[str, int]:
        """How often each reason was given."""
        reasons: dict[str, int] = {}
        for ended in self.tests.values():
            if ended["outcome"] == "skipped":
                reasons[ended["reason"]] = reasons.get(ended["reason"], 0) + 1
        return reasons

    def absent(self, *, whole: bool) -> list[Absent]:
        """The counterparts of module types that did not run; `whole` says that all suites did."""
        return absent_counterparts(self.tests, self.counterparts, whole=whole)

    def closing_line(self, absent: Iterable[Absent] = ()) -> str:
        """The one line that says it all."""
        counted = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return "; ".join((counted, *words_for(absent)))

    def _count(self, outcome: str) -> None:
        self.passed += outcome == "passed"
        self.failed += outcome == "failed"
        self.skipped += outcome == "skipped"


@dataclass(frozen=True)
class AppCoverage:
    """How much of one app the tests ran, branches included."""

    app: str
    percent: float
    floor: float

    @property
    def enough(self) -> bool:
        """At or above its floor."""
        return self.percent >= self.floor


def coverage_per_app(report: Path) -> list[AppCoverage]:
    """Fold SlipCover's JSON report into one line per app; the catalogue counts as one of its own."""
    done: dict[str, int] = {}
    wanted: dict[str, int] = {}
    for path, found in json.loads(report.read_text(encoding="utf-8"))["files"].items():
        app, summary = _app_of(path), found["summary"]
        ran = summary["covered_lines"] + summary["covered_branches"]
        done[app] = done.get(app, 0) + ran
        wanted[app] = wanted.get(app, 0) + ran + summary["missing_lines"] + summary["missing_branches"]
    return [
        AppCoverage(app, 100.0 * done[app] / wanted[app], FLOORS.get(app, FLOOR))
        for app in sorted(wanted)
        if wanted[app]
    ]


def _app_of(path: str) -> str:
    posix = Path(path).as_posix()
    if posix.startswith(f"{CATALOG}/"):
        return CATALOG
    return "/".join(posix.split("/")[:2]) if posix.startswith("apps/") else posix.split("/", 1)[0]


def read_allowed(path: Path) -> list[str]:
    """The written list of tests that may be skipped."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]
