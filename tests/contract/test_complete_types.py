"""Every module type is whole: file, config, spellings, help, effect, ports, tests, example that is driven, schema."""

import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest
from pydantic import ConfigDict, Field

import apps.modules.catalog
from apps.engine.document import load
from apps.engine.module import Category, ModulePort
from apps.engine.registry import discover
from apps.modules.queries import schema_of_documents
from tests.support.checkout import ROOT
from tests.support.complete_types import EXAMPLES, UNIT_TESTS, Evidence, driven_by_kind, keys_by_kind, lacking

pytestmark = pytest.mark.spec("CAT-B1.1")

REGISTRY = discover(apps.modules.catalog)
TABLES = load(Path(__file__).with_name("table_keys.yaml").read_text()).document
FITS = jsonschema_rs.validator_for(schema_of_documents())
EVIDENCE = Evidence(REGISTRY, ROOT, keys_by_kind(TABLES, REGISTRY), driven_by_kind(ROOT / UNIT_TESTS), FITS)
WHOLE = REGISTRY.get("webhook.sender")  # faults are planted into it
ITS_TESTS, ITS_EXAMPLE = "catalog/integration/test_webhook_sender.py", "webhook_sender.yaml"


@pytest.mark.spec("SPINE-B4.23")
@pytest.mark.parametrize("kind", REGISTRY.kinds())
def test_the_type_lacks_nothing(kind):
    assert lacking(REGISTRY.get(kind), EVIDENCE) == []


def test_a_table_names_keys_of_every_type_or_says_that_it_has_none():
    without = {entry["type"] for entry in TABLES.data["modules"] if entry["config"] == {}}
    assert [kind for kind in REGISTRY.kinds() if not EVIDENCE.keys[kind] and kind not in without] == []


class WithoutLabel(WHOLE.Config):
    colour: str = ""


class Open(WHOLE.Config):
    model_config = ConfigDict(extra="allow")


class Unschematic(WHOLE.Config):
    colour: str = Field("", description="What it looks like.", json_schema_extra={"type": "nothing"})


PORT = ModulePort("out", "http", "What goes out.")
PLANTED = {
    "a file of its own in its category": {"kind": "webhook.sender", "category": Category.DATA},
    "a config model that refuses what it does not know": {"Config": Open},
    "a label for colour": {"Config": WithoutLabel},
    "a valid JSON Schema": {"Config": Unschematic},
    "help": {"title": ""},
    "an effect class": {"effect": "sometimes"},
    "ports": {"inputs": (), "outputs": ()},
    "a name of its own for each port": {"outputs": (PORT, PORT)},
    "a described type of the port out": {"outputs": (replace(PORT, type="anything"),)},
    "an example that uses it": {"kind": "webhook.planted"},
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_planted_in_a_type_is_told(fault):
    planted = type("Planted", (WHOLE,), {"__module__": WHOLE.__module__, **PLANTED[fault]})
    assert fault in lacking(planted, EVIDENCE)


def test_a_spelling_of_the_tables_that_a_type_does_not_take_is_told():
    keys = {**EVIDENCE.keys, WHOLE.kind: EVIDENCE.keys[WHOLE.kind] | {"maximumRetries"}}
    assert lacking(WHOLE, replace(EVIDENCE, keys=keys)) == ["the key maximumRetries"]


@pytest.fixture
def copied(tmp_path):
    """Return evidence that finds tests and examples of one type in a folder which may be damaged."""
    for folder, name in ((UNIT_TESTS, ITS_TESTS), (EXAMPLES, ITS_EXAMPLE)):
        (tmp_path / folder / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / folder / name, tmp_path / folder / name)
    assert lacking(WHOLE, replace(EVIDENCE, root=tmp_path)) == []
    return replace(EVIDENCE, root=tmp_path)


def test_missing_tests_are_told_and_so_is_a_file_without_one(copied):
    tests = copied.root / UNIT_TESTS / ITS_TESTS
    tests.write_text('"""Nothing is tested here."""\n')
    assert lacking(WHOLE, copied) == ["a file of unit tests"]
    tests.unlink()
    assert lacking(WHOLE, copied) == ["a file of unit tests"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("type: webhook.sender", "type: http.handler", "an example that uses it"),
        ("modules:\n", "x: 1\nmodules:\n", "an example without findings"),
        ("modules:\n", "modules: [\n", "an example that uses it"),
    ],
)
def test_a_damaged_example_is_told(copied, old, new, fault):
    example = copied.root / EXAMPLES / ITS_EXAMPLE
    text = example.read_text()
    assert old in text
    example.write_text(text.replace(old, new))
    assert fault in lacking(WHOLE, copied)


@pytest.mark.parametrize(
    "body",
    [
        "async def test_it():\n    await bench('other_stem')\n    assert True\n",
        "async def test_it():\n    await bench('webhook_sender')\n",
        "def test_it():\n    assert 'webhook_sender'\n",
    ],
)
def test_an_example_that_is_not_deployed_or_not_driven_or_not_judged_is_told(tmp_path, body):
    text = f'import pytest\n\n\n@pytest.mark.shows("webhook.sender", "example")\n{body}'
    (tmp_path / "test_planted.py").write_text(text)
    assert lacking(WHOLE, replace(EVIDENCE, driven=driven_by_kind(tmp_path))) == ["a test that drives the example"]
