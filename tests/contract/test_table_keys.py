"""Every key that spec/modules.md 3 names for a type is read or knowingly ignored, in each of its spellings."""

from pathlib import Path

import pytest

import apps.modules.catalog
from apps.engine.check import CheckOptions, check
from apps.engine.document import load
from apps.engine.findings import Severity
from apps.engine.registry import discover

pytestmark = pytest.mark.spec("CAT-B1", "CAT-B1.1")

REGISTRY = discover(apps.modules.catalog)
TABLES = load(Path(__file__).with_name("table_keys.yaml").read_text()).document


def test_no_key_of_the_tables_keeps_a_document_from_being_deployed():
    found = check(TABLES, REGISTRY, CheckOptions(files=True))
    refused = [each for each in found if each.severity is not Severity.WARNING]
    assert [each for each in refused if each.code != "module.type.not_in_build"] == []


def test_every_type_of_the_catalogue_is_in_a_table():
    named = {entry.kind for entry in TABLES.modules}
    assert [kind for kind in REGISTRY.kinds() if kind not in named] == []
