"""`manage.py fuzz documents`: what is made, how it is judged, and what the command says and leaves."""

import importlib.util
import json
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from apps.engine.document import load
from apps.modules.management.commands import fuzz
from apps.modules.management.fuzzing.case import Case, Wanted
from apps.modules.management.fuzzing.documents import cases, for_each
from apps.modules.management.fuzzing.hostile import HEAD, MAKERS, hostile_cases
from apps.modules.management.fuzzing.judge import Bounds, Judge
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("CAT-B1", "CAT-3")


@pytest.fixture(scope="module")
def judge():
    return Judge(registry(), Bounds(seconds=30))


def run(capsys, *arguments):
    """Return what the command printed and its exit code."""
    try:
        call_command("fuzz", "documents", *arguments)
    except SystemExit as ended:
        return json.loads(capsys.readouterr().out), ended.code
    return json.loads(capsys.readouterr().out), 0


def made(number, count):
    found = []
    for_each(cases([]), number, count, found.append)
    return found


def test_a_small_count_ends_well_and_says_what_it_took(capsys, tmp_path):
    told, code = run(capsys, "--seed", "12", "--count", "20", "--out", str(tmp_path), "--most-seconds", "30")
    assert (told["failures"], code) == ([], 0)
    assert told["count"] == told["valid"] + told["broken"] == 20
    assert min(told["valid"], told["broken"]) > 0
    assert (told["slowest_seconds"] > 0, told["failing_seeds"], list(tmp_path.iterdir())) == (True, [], [])


def test_a_document_that_is_too_much_is_left_in_a_file_and_its_seed_is_named(capsys, tmp_path):
    told, code = run(capsys, "--seed", "3", "--count", "2", "--out", str(tmp_path), "--most-seconds", "0")
    assert (code, told["failing_seeds"]) == (1, [3])
    assert {failure["file"] for failure in told["failures"]} == {str(path) for path in tmp_path.iterdir()}
    assert "a stage took" in told["failures"][0]["problem"]


def test_a_seed_gives_the_same_documents_again():
    assert made(11, 15) == made(11, 15)
    assert made(11, 15) != made(12, 15)
    assert len(made(11, 15)) == 15


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@pytest.mark.parametrize("size", [0.0, 0.4])
def test_every_kind_of_ill_will_gets_what_it_must(maker, size, judge):
    assert judge.judge(maker(size)).problem == ""


def test_every_kind_of_ill_will_has_its_turn():
    names = [case.made_by for seed in range(5) for case in hostile_cases(seed, 4)]
    assert set(names) == {maker.__name__ for maker in MAKERS}


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        (Case("bad", b"modules: []", Wanted.FINDING), "a bad document has no finding"),
        (Case("good", b"modules: [{name: a, type: no.such}]", Wanted.CLEAN), "a good document is refused"),
        (Case("good", HEAD.encode(), Wanted.CLEAN), ""),
    ],
)
def test_what_was_promised_of_a_document_is_held_against_what_was_said(case, problem, judge):
    assert judge.judge(case).problem.startswith(problem)
    assert bool(problem) is bool(judge.judge(case).problem)


def test_memory_counts(judge):
    narrow = Judge(registry(), Bounds(seconds=30, megabytes=1))
    assert "MB" in narrow.judge(MAKERS[8](1.0)).problem


def test_a_crash_is_told_and_does_not_end_the_rest(judge, monkeypatch):
    broken = Judge(registry(), Bounds())
    monkeypatch.setattr("apps.modules.management.fuzzing.judge.load", lambda content: 1 / 0)
    assert broken.judge(Case("any", b"")).problem == "crashed: ZeroDivisionError: division by zero"


def test_a_finding_without_a_place_in_the_text_is_a_fault(judge, monkeypatch):
    def misplaced(content):
        loaded = load(content)
        return replace(loaded, findings=tuple(replace(each, line=900) for each in loaded.findings))

    monkeypatch.setattr("apps.modules.management.fuzzing.judge.load", misplaced)
    assert "beyond the end" in judge.judge(Case("any", b"a: [")).problem


def test_without_hypothesis_it_says_where_that_comes_from(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CommandError, match="requirement of the tests"):
        call_command("fuzz", "documents")
    assert "deploy/requirements/test.txt" in fuzz.MISSING


def test_a_count_is_at_least_one():
    with pytest.raises(CommandError):
        call_command("fuzz", "documents", "--count", "0")
