"""Ties tests to the numbered lines they prove, and writes down how each test ended.

`@pytest.mark.spec("SPINE-5.2", "D14")` names the lines. With `--weft-report PATH` the run leaves a JSON file that
`manage.py test` counts and draws its table from.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from apps.engine.levels import COUNTERPART, SHOWN
from apps.engine.memory import collect_rarely, settle
from tests.support.marks import counterparts_by_file
from tests.support.spec_ids import FINISHED
from tests.support.spec_lines import LINES

ID = re.compile(r"(?:[A-Z]+-B?\d+(?:\.\d+)*|D\d+|[a-z]+(?:\.[a-z0-9_-]+)+|reverseproxy)")
PAIR = 2
FAILED, PASSED, SKIPPED = "failed", "passed", "skipped"


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option: where to leave the report."""
    parser.addoption("--weft-report", type=Path, default=None, help="write outcomes and spec ids as JSON")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Import the product and the tests as the product itself is imported."""
    collect_rarely()


def pytest_collection_finish() -> None:
    """Leave what was imported and collected alone, as serving processes do."""
    settle()


def pytest_configure(config: pytest.Config) -> None:
    """Record only when somebody wants to read it."""
    path = config.getoption("--weft-report")
    if path is not None:
        config.pluginmanager.register(Recorder(path), "weft-recorder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse ids that no document could number."""
    for item in items:
        for identity in spec_ids(item):
            if not ID.fullmatch(identity):
                raise pytest.UsageError(f"{item.nodeid}: {identity!r} is not a spec id")
        for _, what in shown_by(item):
            if what not in (*SHOWN, COUNTERPART):
                raise pytest.UsageError(f"{item.nodeid}: nothing is shown by {what!r}")
        for mark in item.iter_markers("proven"):
            if len(mark.args) != PAIR:
                raise pytest.UsageError(f"{item.nodeid}: proven() wants a kind and its counterpart")


def spec_ids(item: pytest.Item) -> list[str]:
    """The lines a test proves, its class's and module's included."""
    return sorted({str(identity) for marker in item.iter_markers("spec") for identity in marker.args})


def shown_by(item: pytest.Item) -> list[tuple[str, str]]:
    """What a test shows about module types: pairs of kind and one of `levels.SHOWN`, or the counterpart."""
    told = [(str(mark.args[0]), str(what)) for mark in item.iter_markers("shows") for what in mark.args[1:]]
    return sorted({*told, *((str(mark.args[0]), COUNTERPART) for mark in item.iter_markers("proven"))})


def proven_by(item: pytest.Item) -> list[tuple[str, str]]:
    """The real counterparts that a test meets: pairs of kind and counterpart."""
    return sorted({(str(mark.args[0]), str(mark.args[1])) for mark in item.iter_markers("proven")})


class Recorder:
    """Collects the worst outcome of each test's three phases."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: dict[str, list[str]] = {}
        self._shows: dict[str, list[tuple[str, str]]] = {}
        self._proven: dict[str, list[tuple[str, str]]] = {}
        self._ended: dict[str, dict[str, Any]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember each test's ids."""
        self._ids = {item.nodeid: spec_ids(item) for item in session.items}
        self._shows = {item.nodeid: shown for item in session.items if (shown := shown_by(item))}
        self._proven = {item.nodeid: proven for item in session.items if (proven := proven_by(item))}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test passes when its call did and nothing around it failed."""
        known = self._ended.setdefault(report.nodeid, {"outcome": PASSED, "reason": ""})
        if report.failed:
            known["outcome"] = FAILED
            known["reason"] = known["reason"] or ("its set-up failed" if report.when == "setup" else "")
        elif report.skipped and known["outcome"] == PASSED:
            known.update(outcome=SKIPPED, reason=_reason(report))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected is a failed test, and one that skips itself a skipped one."""
        if report.failed:
            self._ended[report.nodeid] = {"outcome": FAILED, "reason": "could not be collected"}
        elif report.skipped:
            self._ended[report.nodeid] = {"outcome": SKIPPED, "reason": _reason(report)}

    def pytest_sessionfinish(self) -> None:
        """Leave the report."""
        told = {"spec": self._ids, "shows": self._shows, "proven": self._proven}
        tests = {
            node: {**ended, **{name: by_node.get(node, []) for name, by_node in told.items()}}
            for node, ended in self._ended.items()
        }
        report = {"promised": FINISHED, "lines": LINES, "counterparts": counterparts_by_file(), "tests": tests}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(report, indent=1), encoding="utf-8")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    where = report.longrepr
    return str(where[2]) if isinstance(where, tuple) else str(where or "")
