"""Counting is honest: a suite that left no report failed, and a skip in CI that nobody wrote down failed too."""

import json

import pytest

from apps.core.management.local.tally import Tally, coverage_per_app, read_allowed
from apps.core.management.local.traceability import trace

pytestmark = pytest.mark.spec("SPINE-8", "SPINE-B1")


def ended(outcome, *spec, reason=""):
    """One test as the spec plugin writes it down."""
    return {"outcome": outcome, "reason": reason, "spec": list(spec)}


def write(path, **content):
    """A JSON file; returns its path."""
    path.write_text(json.dumps(content))
    return path


def test_outcomes_of_all_suites_are_added_up(tmp_path):
    tally = Tally()
    tests = {"a": ended("passed"), "b": ended("failed"), "c": ended("skipped")}
    tally.add_pytest(write(tmp_path / "p.json", promised=[], tests=tests))
    tally.add_vitest(write(tmp_path / "v.json", numPassedTests=5, numFailedTests=0, numPendingTests=1))
    assert tally.closing_line() == "6 passed, 1 failed, 2 skipped"


def test_a_suite_without_a_report_has_failed(tmp_path):
    tally = Tally()
    tally.add_pytest(tmp_path / "missing.json")
    tally.add_vitest(tmp_path / "missing.json")
    assert tally.closing_line() == "0 passed, 2 failed, 0 skipped"


def test_a_skip_that_is_not_on_the_list_counts_as_failed(tmp_path):
    tally = Tally()
    tests = {"tests/a.py::x": ended("skipped", reason="no moon"), "tests/b.py::y": ended("skipped", reason="known")}
    tally.add_pytest(write(tmp_path / "p.json", promised=[], tests=tests))
    assert tally.refuse_skips(["tests/b.py"]) == ["tests/a.py::x: no moon"]
    assert tally.closing_line() == "0 passed, 1 failed, 1 skipped"


def test_the_list_of_allowed_skips_is_read_without_its_reasons(tmp_path):
    (tmp_path / "list").write_text("# why\ntests/a.py::x  # needs a moon\n\n")
    assert read_allowed(tmp_path / "list") == ["tests/a.py::x"]


def summary(covered, statements, covered_branches, branches):
    """One file of coverage's report."""
    counts = {"covered_lines": covered, "num_statements": statements}
    return {"summary": {**counts, "covered_branches": covered_branches, "num_branches": branches}}


def test_coverage_is_folded_per_app_with_the_catalogue_on_its_own(tmp_path):
    files = {
        "apps/engine/check.py": summary(9, 10, 8, 10),
        "apps/modules/catalog/http/http_server.py": summary(10, 10, 0, 0),
        "apps/modules/queries.py": summary(1, 2, 0, 0),
        "config/env.py": summary(8, 10, 0, 0),
    }
    found = {line.app: line for line in coverage_per_app(write(tmp_path / "c.json", files=files))}
    assert (found["apps/engine"].percent, found["apps/engine"].floor, found["apps/engine"].enough) == (
        85.0,
        90.0,
        False,
    )
    assert found["apps/modules/catalog"].enough
    assert (found["apps/modules"].percent, found["apps/modules"].enough) == (50.0, False)
    assert (found["config"].floor, found["config"].enough) == (80.0, True)


def table(tests, promised):
    """The spec table as lines, and whether everything promised is proven."""
    lines = []
    return trace(tests, promised, lines.append), lines


def test_a_promised_line_without_a_passing_test_fails_the_run():
    fine, lines = table({"t": ended("skipped", "SPINE-2")}, ["SPINE-1", "SPINE-2"])
    assert not fine
    assert [line.split()[0] for line in lines if line.startswith("SPINE")] == ["SPINE-1", "SPINE-2"]
    assert "NO TEST" in lines[0]


def test_a_test_of_a_numbered_part_speaks_for_its_line():
    fine, lines = table({"t": ended("passed", "SPINE-5.2")}, ["SPINE-5"])
    assert fine
    assert "proven" in lines[0]


def test_one_failing_test_takes_the_proof_away():
    tests = {"t": ended("passed", "SPINE-5"), "u": ended("failed", "SPINE-5")}
    fine, lines = table(tests, ["SPINE-5"])
    assert not fine
    assert "FAILING" in lines[0]


def test_a_line_is_not_mistaken_for_a_longer_one():
    assert not table({"t": ended("passed", "SPINE-10")}, ["SPINE-1"])[0]
