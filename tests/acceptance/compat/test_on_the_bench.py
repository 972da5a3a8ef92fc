"""What a reference document sends out, where a test must see the other side."""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.testing import Bench
from apps.modules.queries import registry

pytestmark = [pytest.mark.spec("CAT-1"), pytest.mark.spec("SPINE-3")]
TOKEN = "w-7"


async def test_a_shipped_order_is_told_to_the_warehouse_with_the_secret_and_to_the_handler(document):
    application = compile_document(load(document("workflow-b-fulfillment").read_bytes()).document, registry())
    async with Bench(application, secrets={"WAREHOUSE_API_TOKEN": TOKEN}) as bench:
        async with bench.host.unit() as unit:
            unit.broker.publish("order.validated", {"type": "order.validated", "orderId": "o-1"})
        await bench.settle()
        for action in ("finish_picking", "ship_package"):
            await bench.host.start_run(application.resolve("fulfillment-lifecycle", action, {"orderId": "o-1"}))
            await bench.settle()
        async with bench.host.unit() as unit:
            found = await unit.instances.get("fulfillment-lifecycle", "o-1")
        assert found.state == "shipped"
        (call,) = bench.http.calls
        assert (call.method, call.url) == ("POST", "https://warehouse.example.com/api/shipments")
        assert {name.lower(): value for name, value in call.headers.items()}["authorization"] == f"Bearer {TOKEN}"
        lines = [line["message"] for run in bench.host.queue.runs("local") for line in logs_of(run)]
        assert "fulfillment-handler received a message" in lines
        assert bench.host.bugs == []


def logs_of(run):
    return [line for step in run["steps"] or [] for line in step["logs"] or []]
