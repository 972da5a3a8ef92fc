"""Tests name only lines that exist, and the list of promised lines is the issue's."""

import ast
import re
from functools import cache

import pytest

from apps.core.management.local.traceability import covers
from tests.support.catalogue_lines import LATER
from tests.support.checkout import project_files, text_of
from tests.support.spec_ids import FINISHED, OPEN
from tests.support.spec_lines import LINES

pytestmark = pytest.mark.spec("SPINE-B1")

PREFIX = "SPINE-"
PREFIXES = (PREFIX, "CAT-")
DEFECT = re.compile(r"D\d+")


@cache
def marked_ids():
    """Every literal id given to a spec marker, with its file."""
    return [
        (str(path), arg.value)
        for path in project_files()
        if path.parts[0] == "tests" and path.suffix == ".py" and ".spec(" in (text := text_of(path))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "spec"
        for arg in node.args
        if isinstance(arg, ast.Constant)
    ]


def is_known(identity):
    """A numbered line, or no number of an issue or the defect register at all."""
    return identity in LINES or not (identity.startswith(PREFIXES) or DEFECT.fullmatch(identity))


@pytest.mark.spec("SPINE-B1.11")
def test_no_test_names_a_line_that_nobody_promised():
    assert [found for found in marked_ids() if not is_known(found[1])] == []


@pytest.mark.spec("SPINE-B1.11")
def test_every_promised_line_is_named_by_a_test():
    named = {name for _, name in marked_ids()}
    assert [line for line in FINISHED if not any(covers(name, line) for name in named)] == []


def test_what_is_open_is_numbered_has_a_reason_and_no_test():
    named = {name for _, name in marked_ids()}
    assert set(OPEN) <= set(LINES)
    assert all(OPEN.values())
    assert [line for line in OPEN if ("." in line or DEFECT.fullmatch(line)) and line in named] == []


@pytest.mark.spec("CAT-2")
def test_every_defect_of_the_register_is_a_line_with_a_test_or_belongs_to_a_later_room():
    register = [f"D{number}" for number in range(1, 31)]
    assert [line for line in LINES if DEFECT.fullmatch(line)] == register
    assert set(LATER) <= set(register)
    named = {name for _, name in marked_ids()}
    assert [line for line in register if line not in named] == list(LATER)


def test_the_promised_lines_are_the_ten_parts_and_the_eight_proofs_each_in_numbered_sentences():
    coarse = [line for line in LINES if line.startswith(PREFIX) and "." not in line]
    assert len(coarse) == 18
    assert [line for line in coarse if f"{line}.1" not in LINES] == []


def test_every_sentence_follows_the_one_before():
    fine = [line.rpartition(".") for line in LINES if "." in line]
    numbers = {part: [int(number) for each, _, number in fine if each == part] for part, _, _ in fine}
    assert {part: found for part, found in numbers.items() if found != list(range(1, len(found) + 1))} == {}
