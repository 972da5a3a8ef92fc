"""The documents of `examples/` do what their heads say, on the engine's local host."""

from pathlib import Path

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import Severity
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.acceptance.examples.places import LocalPlace
from tests.acceptance.examples.scenarios.table import SCENARIOS
from tests.support.checkout import ROOT

EXAMPLES = ROOT / "examples"
pytestmark = pytest.mark.spec("SPINE-3", "CAT-5")


def compiled(path: Path):
    return compile_document(load(path.read_bytes()).document, registry())


@pytest.mark.spec("SPINE-3.4")
def test_every_document_has_a_scenario_and_a_line_in_the_index():
    documents = {path.stem for path in EXAMPLES.glob("*.yaml")}
    assert documents == set(SCENARIOS)
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in documents if f"({name}.yaml)" not in index] == []


@pytest.mark.spec("SPINE-B4", "SPINE-3.4")
@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_the_document_does_what_it_says(name):
    async with Bench(compiled(EXAMPLES / f"{name}.yaml")) as bench:
        await SCENARIOS[name](LocalPlace(bench))
        assert bench.host.bugs == []


@pytest.mark.spec("SPINE-B10", "SPINE-B10.1")
def test_the_order_example_compiles_and_is_as_wide_as_promised():
    application = compiled(EXAMPLES / "order_processing" / "workflow.yaml")
    assert {finding.severity for finding in application.findings} <= {Severity.WARNING}
    modules = application.modules.values()
    assert len(modules) >= 10
    assert len({module.category for module in modules}) >= 5
