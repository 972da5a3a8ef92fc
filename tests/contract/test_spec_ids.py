"""Tests name only lines that exist, and the list of promised lines is the issue's."""

import ast

import pytest

from tests.support.checkout import ROOT, project_files, text_of
from tests.support.spec_ids import FINISHED, OPEN

pytestmark = pytest.mark.spec("SPINE-B1")

PREFIX = "SPINE-"


def marked_ids():
    """Every literal id given to a spec marker, with its file."""
    for path in project_files():
        if path.parts[0] != "tests" or path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "spec":
                yield from ((str(path), arg.value) for arg in node.args if isinstance(arg, ast.Constant))


def is_known(identity):
    """A promised line or a numbered part of one."""
    return any(identity == line or identity.startswith(f"{line}.") for line in (*FINISHED, *OPEN))


def test_no_test_names_a_line_that_nobody_promised():
    spine = [(path, name) for path, name in marked_ids() if name.startswith(PREFIX)]
    assert [found for found in spine if not is_known(found[1])] == []


def test_every_promised_line_is_named_by_a_test():
    named = {name for _, name in marked_ids()}
    assert [line for line in FINISHED if not any(is_part(name, line) for name in named)] == []


def is_part(name, line):
    """Whether a test of `name` speaks for the line."""
    return name == line or name.startswith(f"{line}.")


def test_the_promised_lines_are_the_ten_parts_and_the_eight_proofs():
    assert len({*FINISHED, *OPEN}) == 18
    assert (ROOT / "ROADMAP.md").is_file()
