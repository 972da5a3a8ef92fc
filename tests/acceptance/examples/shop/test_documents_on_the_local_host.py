"""Each document of the shop does its part by itself, on the engine's local host, against the real partners."""

import re
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import Severity
from apps.engine.local.outside import OutboundHttp
from apps.engine.run.state import SendAgain
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.acceptance.examples.places import LocalPlace
from tests.acceptance.examples.shop.scenarios import SCENARIOS, WANTED
from tests.support.checkout import ROOT
from tests.support.shop import SHOP, bank_and_carrier

pytestmark = pytest.mark.spec("SPINE-3")


def compiled(name):
    return compile_document(load((SHOP / f"{name}.yaml").read_bytes()).document, registry())


@asynccontextmanager
async def way_out():
    http = OutboundHttp()
    try:
        yield http
    finally:
        await http.close()


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_the_document_does_what_it_says(name):
    application = compiled(name)
    assert {finding.severity for finding in application.findings} <= {Severity.WARNING}
    with bank_and_carrier() as partners:
        async with way_out() as http, Bench(application, secrets=partners.secrets, http=http) as bench:
            await SCENARIOS[name](LocalPlace(bench))
            assert bench.host.bugs == []


async def test_a_bank_that_never_answers_is_told_to_give_back_what_it_may_have_taken():
    secrets = dict.fromkeys(("SHOP_BANK_URL", "SHOP_CARRIER_URL"), "https://bank.example")
    async with Bench(compiled("orders"), secrets=secrets) as bench:
        place = LocalPlace(bench)
        order = (await place.call("POST", "/orders", WANTED)).json["id"]
        for _ in range(4):
            bench.http.unreachable()
        await place.start("order", "stock_held", {"orderId": order, "total": 2500})
        assert (await place.state("order", order))["state"] == "declined"
        asked = [call.url.rpartition("/")[2] for call in bench.http.calls]
        assert asked == ["payments"] * 4 + ["refunds"]
        assert {call.headers.get("idempotency-key") for call in bench.http.calls[:4]} == {order}
        assert bench.http.calls[-1].json()["orderId"] == order


async def test_a_refund_that_a_bank_does_not_take_at_first_is_sent_again_patiently_and_by_hand():
    secrets = dict.fromkeys(("SHOP_BANK_URL", "SHOP_CARRIER_URL"), "https://bank.example")
    async with Bench(compiled("orders"), secrets=secrets) as bench:
        place = LocalPlace(bench)
        order = (await place.call("POST", "/orders", WANTED)).json["id"]
        json = {"content-type": "application/json"}
        bench.http.answer(201, {"status": "approved", "paymentId": "p-1"}, json)
        for _ in range(13):
            bench.http.answer(503)
        await place.start("order", "stock_held", {"orderId": order, "total": 2500})
        await place.start("order", "parcel_refused", {"orderId": order, "reason": "No carrier goes there."})
        assert (await place.state("order", order))["state"] == "refunding"
        (failed,) = [run for run in bench.host.queue.runs("local") if run["status"] == "failed"]
        assert bench.host.tell(UUID(failed["id"]), SendAgain())
        await bench.settle()
        assert (await place.state("order", order))["state"] == "refunded"
        refunds = [call for call in bench.http.calls if call.url.endswith("/refunds")]
        assert len({call.headers["webhook-id"] for call in refunds}) == 1
        wanted = {"orderId": order, "amount": 2500, "paymentId": "p-1"}
        assert [call.json() for call in refunds] == [wanted] * 14


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
