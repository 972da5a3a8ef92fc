"""The level of a module type follows from the tests that passed, and from nothing else."""

import json

import pytest

from apps.engine.levels import Level, evidence_of, level_of, read_level, source_digest, write_levels
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("CAT-B1")

KIND = "http.router"
TYPE = registry().get(KIND)
READY = ["example", "failure", "description"]


def ended(outcome, *shows, spec=(KIND,)):
    return {"outcome": outcome, "reason": "", "spec": list(spec), "shows": [[KIND, what] for what in shows]}


@pytest.mark.parametrize(
    ("shown", "level"),
    [
        ([], Level("", ("test",))),
        (["test"], Level("draft", ("example", "failure", "description"))),
        (["test", "example", "description"], Level("draft", ("failure",))),
        (["test", *READY], Level("ready", ("counterpart",))),
        (["test", *READY, "counterpart"], Level("proven")),
        ([*READY, "counterpart"], Level("", ("test",))),
    ],
)
def test_each_level_wants_all_of_the_one_below(shown, level):
    assert level_of(shown) == level


def test_a_failing_test_takes_away_what_others_showed_and_a_skipped_one_shows_nothing():
    tests = {
        "a": ended("passed", "example"),
        "b": ended("failed", "example", spec=()),
        "c": ended("skipped", "failure"),
        "d": ended("passed", "description"),
    }
    assert evidence_of(tests) == {KIND: {"test", "description"}}


@pytest.mark.spec("CAT-B1.2")
def test_a_counterpart_of_which_a_part_was_skipped_was_not_met():
    tests = {"a": ended("passed", "counterpart"), "b": ended("skipped", "counterpart")}
    assert evidence_of(tests) == {KIND: {"test"}}
    assert evidence_of({"a": tests["a"]}) == {KIND: {"test", "counterpart"}}


def test_what_was_written_is_read_for_the_very_source_that_was_tested(tmp_path):
    path = tmp_path / "levels.json"
    assert read_level(path, TYPE) is None
    write_levels(path, registry(), {"a": ended("passed", *READY)}, "2026-01-01")
    assert read_level(path, TYPE) == Level("ready", ("counterpart",))
    assert read_level(path, registry().get("http.server")) == Level("", ("test",))
    told = json.loads(path.read_text())
    told["types"][KIND]["source"] = source_digest(registry().get("webhook.sender"))
    path.write_text(json.dumps(told))
    assert read_level(path, TYPE) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"types": 5}', '{"types": {"http.router": 5}}'])
def test_a_file_that_is_no_table_of_levels_says_nothing(tmp_path, text):
    path = tmp_path / "levels.json"
    path.write_text(text)
    assert read_level(path, TYPE) is None
