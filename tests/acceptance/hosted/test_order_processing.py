"""The order example in the running product: the printed line, every way an order can end, and who may see it."""

import json
import uuid
from pathlib import Path

import pytest

from apps.core.management.local.demo import WORKFLOW
from tests.support.hosted import ENDED, Visitor, assert_unseen, eventually

pytestmark = [pytest.mark.spec("SPINE-B10"), pytest.mark.slow]

ENDS = {None: "shipped", "out_of_stock": "out_of_stock", "decline": "declined", "carrier_down": "refunded"}
GOOD = {"customer": "Ada", "items": [{"sku": "TEA-1", "quantity": 2, "price": 4.5}]}


@pytest.fixture(scope="module")
def shops(tenants):
    """Return the example's workflow of each tenant."""
    return [tenant.workflow(WORKFLOW) for tenant in tenants]


@pytest.fixture(scope="module")
def deliveries(hosted):
    """Return a function that reads what the partner's receiver wrote about one order."""
    file = Path(hosted.state["deliveries_file"])

    def about(order):
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        found = [json.loads(line) for line in lines]
        return [line for line in found if line["body"]["id"] == order]

    return about


def ended(shop, order):
    """Return the order's instance once it is in a final state."""

    def look():
        found = shop.instance(order)
        return found if found and found["completed"] else None

    return eventually(look, f"the end of order {order}")


def at_rest(shop):
    """Wait until nothing of the workflow is under way."""
    eventually(lambda: all(run["state"] in ENDED for run in shop.runs()), "the end of all runs")


@pytest.mark.spec("SPINE-1", "SPINE-1.2", "SPINE-1.3", "SPINE-B10.3", "SPINE-B10.5")
def test_the_printed_line_s_order_is_shipped_and_notified_once(hosted, shops, deliveries):
    url, body = hosted.order_line()
    accepted = Visitor(hosted.url).call("POST", url.removeprefix(hosted.url), body)
    assert accepted.status == 201
    order = accepted.json["id"]
    mine, other = shops
    assert ended(mine, order)["state"] == "shipped"
    (delivery,) = eventually(lambda: deliveries(order), "the notification")
    assert delivery["body"] == {"id": order, "outcome": "shipped", "total": 9.0, "customer": "Ada"}
    assert uuid.UUID(delivery["webhook_id"])
    at_rest(mine)
    assert len(deliveries(order)) == 1
    assert other.instance(order) is None


@pytest.mark.spec("SPINE-B10.3", "SPINE-B10.4")
@pytest.mark.parametrize("wish", ENDS)
def test_every_way_an_order_can_end_is_told_to_the_partner_once(shops, deliveries, wish):
    orders = []
    for shop in shops:
        accepted = shop.call("POST", "/orders", GOOD | ({"simulate": wish} if wish else {}))
        assert (accepted.status, accepted.json["state"], accepted.json["total"]) == (201, "received", 9.0)
        assert accepted.headers["location"].endswith(accepted.json["id"])
        orders.append((shop, accepted.json["id"]))
    for shop, order in orders:
        instance = ended(shop, order)
        assert (instance["state"], bool(instance["error"])) == (ENDS[wish], wish is not None)
        (delivery,) = eventually(lambda wanted=order: deliveries(wanted), "the notification")
        assert delivery["body"]["outcome"] == ENDS[wish]
        at_rest(shop)
        assert len(deliveries(order)) == 1
        assert shop.call("GET", f"/orders/{order}").json["state"] == ENDS[wish]
    assert len({delivery["webhook_id"] for _, order in orders for delivery in deliveries(order)}) == len(shops)


@pytest.mark.spec("SPINE-B10.4", "SPINE-B7.5", "SPINE-B7.6")
def test_an_order_s_way_is_on_record_step_by_step(shops):
    mine, _ = shops
    order = mine.call("POST", "/orders", GOOD | {"simulate": "carrier_down"}).json["id"]
    history = mine.tenant.get(f"instances/{ended(mine, order)['id']}")["history"]
    assert [line["to"] for line in history] == ["received", "reserved", "paid", "refunded"]
    at_rest(mine)
    runs = [run for run in mine.runs(correlation=order) if run["source"] == "hook"]
    assert [run["state"] for run in runs].count("done") == len(runs) - 1
    shipping = next(run for run in map(lambda run: mine.run(run["id"]), runs) if run["error"])
    assert shipping["error"]["code"] == "shipping.unreachable"


@pytest.mark.spec("SPINE-2", "SPINE-B10.2", "SPINE-2.6")
@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"items": []}, {"/items"}),
        ({"surprise": True}, {""}),
        ({"items": [{"sku": "A", "quantity": 0, "price": -1}]}, {"/items/0/quantity", "/items/0/price"}),
    ],
)
def test_a_bad_order_is_told_where_and_leaves_nothing(shops, change, pointers):
    for shop in shops:
        before = len(shop.instances())
        refused = shop.call("POST", "/orders", GOOD | change)
        assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
        assert {fault["pointer"] for fault in refused.json["errors"]} == pointers
        assert len(shop.instances()) == before
    missing = shops[0].call("POST", "/orders", {"items": GOOD["items"]})
    assert (missing.status, "customer" in str(missing.json["errors"])) == (422, True)
    malformed = shops[0].call("POST", "/orders", b'{"customer": ')
    assert malformed.status == 400
    assert "line 1" in malformed.json["errors"][0]["message"]


@pytest.mark.spec("SPINE-2")
def test_one_idempotency_key_is_one_order_in_each_tenant(shops):
    key = str(uuid.uuid4())
    orders = []
    for shop in shops:
        first, second = (shop.call("POST", "/orders", GOOD, Idempotency_Key=key) for _ in range(2))
        assert (first.status, second.status, second.body) == (201, 201, first.body)
        assert second.headers["idempotency-replayed"] == "true"
        other = shop.call("POST", "/orders", GOOD | {"customer": "Bo"}, Idempotency_Key=key)
        assert other.status == 422
        orders.append(first.json["id"])
    assert len(set(orders)) == len(shops)


def test_a_tenant_s_orders_are_its_own(shops, tenants):
    for mine, other, stranger in ((*shops, tenants[1]), (*reversed(shops), tenants[0])):
        order = mine.call("POST", "/orders", GOOD).json["id"]
        ended(mine, order)
        at_rest(mine)
        assert [run["definition"] for run in mine.runs(source="http", state="done")]
        assert mine.instance(order) is not None
        assert other.instance(order) is None
        assert other.call("GET", f"/orders/{order}").status == 404
        assert other.call("PUT", f"/orders/{order}/transition", {"transition": "cancel"}).status == 404
        assert_unseen(mine, stranger)
