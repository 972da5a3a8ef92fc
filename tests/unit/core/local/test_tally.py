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


@pytest.mark.spec("SPINE-B2.18")
def test_outcomes_of_all_suites_are_added_up(tmp_path):
    tally = Tally()
    tests = {"a": ended("passed"), "b": ended("failed"), "c": ended("skipped")}
    tally.add_pytest(write(tmp_path / "p.json", promised=[], tests=tests))
    tally.add_vitest(write(tmp_path / "v.json", numPassedTests=5, numFailedTests=0, numPendingTests=1))
    assert tally.closing_line() == "6 passed, 1 failed, 2 skipped"


@pytest.mark.spec("SPINE-B2.18")
def test_a_suite_without_a_report_has_failed(tmp_path):
    tally = Tally()
    tally.add_pytest(tmp_path / "missing.json")
    tally.add_vitest(tmp_path / "missing.json")
    assert tally.closing_line() == "0 passed, 2 failed, 0 skipped"


@pytest.mark.spec("SPINE-8.3")
def test_a_skip_that_is_not_on_the_list_counts_as_failed(tmp_path):
    tally = Tally()
    tests = {"tests/a.py::x": ended("skipped", reason="no moon"), "tests/b.py::y": ended("skipped", reason="known")}
    tally.add_pytest(write(tmp_path / "p.json", promised=[], tests=tests))
    assert tally.refuse_skips(["tests/b.py"]) == ["tests/a.py::x: no moon"]
    assert tally.closing_line() == "0 passed, 1 failed, 1 skipped"


@pytest.mark.spec("SPINE-8.3")
def test_the_list_of_allowed_skips_is_read_without_its_reasons(tmp_path):
    (tmp_path / "list").write_text("# why\ntests/a.py::x  # needs a moon\n\n")
    assert read_allowed(tmp_path / "list") == ["tests/a.py::x"]


def summary(covered, lines, covered_branches, branches):
    """One file of SlipCover's report."""
    ran = {"covered_lines": covered, "covered_branches": covered_branches}
    return {"summary": {**ran, "missing_lines": lines - covered, "missing_branches": branches - covered_branches}}


@pytest.mark.spec("SPINE-B2.19")
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


def table(tests, promised, words=None):
    """The spec table as lines, and whether everything promised is proven."""
    lines = []
    return trace(tests, promised, words or {}, lines.append), lines


@pytest.mark.spec("SPINE-B1.11")
def test_a_promised_line_without_a_passing_test_fails_the_run():
    fine, lines = table({"t": ended("skipped", "SPINE-2")}, ["SPINE-1", "SPINE-2"])
    assert not fine
    assert [line.split()[0] for line in lines if line.startswith("SPINE")] == ["SPINE-1", "SPINE-2"]
    assert "NO TEST" in lines[0]


@pytest.mark.spec("SPINE-B1.11")
def test_a_test_of_a_numbered_part_speaks_for_its_line():
    fine, lines = table({"t": ended("passed", "SPINE-5.2")}, ["SPINE-5"])
    assert fine
    assert "proven" in lines[0]


@pytest.mark.spec("SPINE-B1.11")
def test_a_test_of_a_line_does_not_speak_for_its_numbered_parts():
    fine, lines = table({"t": ended("passed", "SPINE-B4")}, ["SPINE-B4", "SPINE-B4.3"])
    assert not fine
    assert [line.split()[1] for line in lines] == ["proven", "NO"]


@pytest.mark.spec("SPINE-B1.11")
def test_each_line_of_the_table_has_the_id_the_result_the_words_and_the_test_files():
    tests = {"tests/unit/test_a.py::x": ended("passed", "D2"), "tests/unit/test_b.py::y": ended("passed", "D2")}
    _, (line,) = table(tests, ["D2"], {"D2": "its routes are served"})
    assert line.split() == ["D2", "proven", "2", "tests", "its", "routes", "are", "served", "[a,", "b]"]


@pytest.mark.spec("SPINE-B1.11")
def test_an_open_line_is_shown_and_fails_nothing():
    fine, lines = table({}, [], {"SPINE-8.1": "in time"})
    assert fine
    assert lines[0].split()[:2] == ["SPINE-8.1", "open"]


def test_the_tests_to_blame_stand_below_a_line_that_fails():
    tests = {"tests/a.py::x": ended("passed", "D1"), "tests/a.py::y": ended("failed", "D1")}
    _, lines = table(tests, ["D1"])
    assert [line.split() for line in lines[1:]] == [["failed", "tests/a.py::y"]]


def test_lines_stand_part_by_part_and_in_number_order():
    ids = ["auth.jwt", "D10", "D9", "SPINE-1.2", "SPINE-B10", "SPINE-B2.10", "SPINE-B2.9", "SPINE-B2"]
    _, lines = table({}, [], dict.fromkeys(ids, ""))
    assert [line.split()[0] for line in lines] == [
        *("SPINE-B2", "SPINE-B2.9", "SPINE-B2.10", "SPINE-B10", "SPINE-1.2", "D9", "D10", "auth.jwt")
    ]


@pytest.mark.spec("SPINE-B1.11")
def test_one_failing_test_takes_the_proof_away():
    tests = {"t": ended("passed", "SPINE-5"), "u": ended("failed", "SPINE-5")}
    fine, lines = table(tests, ["SPINE-5"])
    assert not fine
    assert "FAILING" in lines[0]


@pytest.mark.spec("SPINE-B1.11")
def test_a_line_is_not_mistaken_for_a_longer_one():
    assert not table({"t": ended("passed", "SPINE-10")}, ["SPINE-1"])[0]


def bus(outcome, reason="", node="tests/t.py::x"):
    """A report in which one test drives a type against its counterpart."""
    return {node: {**ended(outcome, reason=reason), "proven": [["messaging.planted", "planted-server"]]}}


BY_FILE = {"tests/t.py": [["messaging.planted", "planted-server"]]}
GONE = "; 1 counterpart did not run: planted-server for messaging.planted ({})"


def close(tmp_path, tests, *, whole=True):
    """What the closing line says beyond the counts."""
    tally = Tally()
    tally.add_pytest(write(tmp_path / "p.json", promised=[], tests=tests, counterparts=BY_FILE))
    return tally.closing_line(tally.absent(whole=whole)).partition(" skipped")[2]


@pytest.mark.spec("CAT-B1.2")
@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (bus("passed"), ""),
        (bus("failed"), ""),
        (bus("skipped", "no server here"), GONE.format("no server here")),
        ({"tests/t.py": ended("skipped", reason="could not import planted")}, GONE.format("could not import planted")),
        ({}, GONE.format("no test of it was collected")),
        ({"tests/t.py": ended("failed", reason="could not be collected")}, GONE.format("could not be collected")),
        (bus("failed", "its set-up failed"), GONE.format("its set-up failed")),
        (bus("passed") | bus("skipped", "half a server", "tests/t.py::y"), GONE.format("half a server")),
    ],
)
def test_the_closing_line_names_counterparts_that_did_not_run_with_the_reason(tmp_path, tests, said):
    assert close(tmp_path, tests) == said


@pytest.mark.spec("CAT-B1.2")
def test_of_chosen_tests_only_what_was_chosen_and_skipped_is_named(tmp_path):
    assert close(tmp_path, {}, whole=False) == ""
    assert close(tmp_path, bus("skipped", "no server"), whole=False) == GONE.format("no server")


@pytest.mark.spec("CAT-B1.2")
def test_several_counterparts_are_named_by_kind(tmp_path):
    tally = Tally()
    by_file = {"tests/a.py": [["b.type", "two"], ["a.type", "one"]]}
    tally.add_pytest(write(tmp_path / "p.json", promised=[], tests={}, counterparts=by_file))
    assert tally.closing_line(tally.absent(whole=True)) == (
        "0 passed, 0 failed, 0 skipped; 2 counterparts did not run: "
        "one for a.type (no test of it was collected), two for b.type (no test of it was collected)"
    )
