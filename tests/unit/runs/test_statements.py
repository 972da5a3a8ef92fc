"""Every statement of the run path has a name, is found by it, and is used."""

import re
from pathlib import Path

import pytest

from apps.runs.adapters.sql import FOLDER, Statements

SOURCES = "\n".join(path.read_text() for path in Path(FOLDER).parents[1].rglob("*.py"))
FILES = sorted(path.stem for path in FOLDER.glob("*.sql"))


@pytest.mark.parametrize("adapter", FILES)
def test_each_statement_is_used_somewhere(adapter):
    unused = [
        name for name in Statements(adapter).names() if not re.search(rf"\bSQL\.{name}\b|\b[A-Z_]+\.{name}\b", SOURCES)
    ]
    assert unused == []


@pytest.mark.parametrize("adapter", FILES)
def test_statements_end_without_a_semicolon_so_that_they_can_be_joined(adapter):
    statements = Statements(adapter)
    assert not [name for name in statements.names() if getattr(statements, name).endswith(";")]


def test_an_unknown_name_says_which_file_lacks_it():
    with pytest.raises(AttributeError, match=r"writer\.sql has no statement 'nothing'"):
        Statements("writer").nothing  # noqa: B018
