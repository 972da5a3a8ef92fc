"""Each document of the shop does its part by itself, on the engine's local host, against the real partners."""

import re
from contextlib import asynccontextmanager

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import Severity
from apps.engine.local.outside import OutboundHttp
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.acceptance.examples.places import LocalPlace
from tests.acceptance.examples.shop.scenarios import SCENARIOS
from tests.support.checkout import ROOT
from tests.support.shop import SHOP, bank_and_carrier

pytestmark = pytest.mark.spec("SPINE-3")


@asynccontextmanager
async def way_out():
    http = OutboundHttp()
    try:
        yield http
    finally:
        await http.close()


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_the_document_does_what_it_says(name):
    application = compile_document(load((SHOP / f"{name}.yaml").read_bytes()).document, registry())
    assert {finding.severity for finding in application.findings} <= {Severity.WARNING}
    with bank_and_carrier() as partners:
        async with way_out() as http, Bench(application, secrets=partners.secrets, http=http) as bench:
            await SCENARIOS[name](LocalPlace(bench))
            assert bench.host.bugs == []


def test_the_page_knows_every_state_of_an_order():
    definitions = load((SHOP / "orders.yaml").read_bytes()).document.workflows["statemachine"]["definitions"]
    pipelines = load((SHOP / "page.yaml").read_bytes()).document.workflows["pipelines"]
    script = pipelines["script"]["steps"][0]["respond"]["body"]
    for table in ("LABELS", "PROGRESS"):
        body = script.partition(f"const {table} = {{")[2].partition("};")[0]
        assert set(re.findall(r"(\w+): ['\[]", body)) == set(definitions[0]["states"]), table


def test_every_document_has_a_scenario_and_the_index_names_the_shop():
    flows = {path.stem for path in SHOP.glob("*.yaml")} - {"links"}
    assert flows == set(SCENARIOS)
    assert "(shop/README.md)" in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
