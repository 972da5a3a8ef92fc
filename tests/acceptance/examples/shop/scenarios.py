"""What each document of `examples/shop/` does by itself, for every host; the others' part is played by hand."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.acceptance.examples.places import Ended, Place

BOWL = {"sku": "bowl", "name": "Blue bowl", "picture": "bowl", "price": 1250, "stock": 3}
WANTED = {"sku": "bowl", "quantity": 2, "customer": "Ada", "destination": "Oslo", "card": "tok-good"}


async def catalogue(place: Place) -> None:
    """Goods are held while there are enough of them, for each order once, and are free again when released."""
    assert (await place.call("GET", "/products")).json == {"products": []}
    assert (await place.start("pipelines", "shelve", BOWL)).state == "done"
    assert (await place.start("pipelines", "shelve", {**BOWL, "stock": -1})).state == "failed"
    for order in ("o-1", "o-1", "o-2"):
        await place.start("pipelines", "hold", {"orderId": order, "sku": "bowl", "quantity": 2})
    assert await _remaining(place) == 1
    assert await place.topics() == ["shop.stock.held", "shop.stock.held", "shop.stock.refused"]
    for _ in range(2):
        await place.start("pipelines", "release", {"orderId": "o-1"})
    assert await _remaining(place) == 3
    assert (await place.topics())[3:] == ["shop.stock.released"]
    await place.start("pipelines", "hold", {"orderId": "o-3", "sku": "teapot", "quantity": 1})
    assert (await place.topics())[4:] == ["shop.stock.refused"]


async def orders(place: Place) -> None:
    """Every way from new to an end: shipped, refused, declined, and refunded when there is no carrier."""
    answers = {
        "shipped": [
            ("stock_held", {"total": 2500, "product": "Blue bowl"}),
            ("parcel_sent", {"trackingNumber": "P-1"}),
        ],
        "refused": [("stock_refused", {"reason": "There is not enough of it left."})],
        "declined": [("stock_held", {"total": 2500})],
        "refunded": [("stock_held", {"total": 2500}), ("parcel_refused", {"reason": "No carrier goes there."})],
    }
    for end, said in answers.items():
        wanted = {**WANTED, "card": "tok-empty"} if end == "declined" else WANTED
        made = await place.call("POST", "/orders", wanted)
        assert (made.status, made.json["state"]) == (201, "validating")
        order = made.json["id"]
        for transition, data in said:
            await place.until(lambda key=order, name=transition: _waits_for(place, key, name), f"{end}: {transition}")
            await place.start("order", transition, {"orderId": order, **data})
        await place.until(lambda key=order: _is_over(place, "order", key), f"the end of an order: {end}")
        shown = (await place.call("GET", f"/orders/{order}")).json
        assert shown["state"] == end
        assert shown["data"]["customer"] == "Ada"
    for end in answers:
        await place.until(lambda topic=f"shop.order.{end}": _was_told(place, topic), f"{end} is told")
    told = await place.topics()
    assert [told.count(f"shop.order.{end}") for end in answers] == [1, 1, 1, 1]
    assert (await place.call("POST", "/orders", {**WANTED, "quantity": 0})).status == 422
    assert (await place.call("GET", "/orders/nobody")).status == 404


async def shipping(place: Place) -> None:
    """The carrier takes a parcel to Oslo and none to Atlantis; either is told with the order it is about."""
    for order, destination, state in (("o-1", "Oslo", "booked"), ("o-2", "Atlantis", "refused")):
        await place.start("shipment", "ask", {"orderId": order, "destination": destination, "quantity": 2})
        await place.until(lambda key=order: _is_over(place, "shipment", key), f"the end of shipment {order}")
        assert (await place.state("shipment", order))["state"] == state
        topic = f"shop.shipment.{state}"
        await place.until(lambda wanted=topic: _was_told(place, wanted), f"{topic} is told")


async def notices(place: Place) -> None:
    """A customer hears once of each state that matters, of other states nothing, and of others' orders nothing."""
    told = {"customer": "Ada", "product": "Blue bowl", "destination": "Oslo", "trackingNumber": "P-1"}
    for order, state in (
        ("o-1", "validating"),
        ("o-1", "paying"),
        ("o-1", "shipped"),
        ("o-1", "shipped"),
        ("o-2", "paid"),
    ):
        message = {"orderId": order, "state": state, **told}
        await place.start("messaging", "shop.notice.wanted", {"message": message})
    await place.until(lambda: _handled(place, "note", 5), "all messages are taken in")
    shown = (await place.call("GET", "/orders/o-1/notices")).json["notices"]
    assert [(notice["id"], notice["data"]["template"]) for notice in shown] == [
        ("validating", "order_validating"),
        ("shipped", "order_shipped"),
    ]
    assert shown[1]["data"]["text"] == "Blue bowl is on its way to Oslo, parcel P-1."
    assert (await place.call("GET", "/orders/o-3/notices")).json == {"notices": []}


async def page(place: Place) -> None:
    """HTML and a script of its own, and nothing from elsewhere."""
    shown = await place.call("GET", "/")
    assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Harbour Goods" in shown.body
    assert "content-security-policy" in shown.headers
    script = await place.call("GET", "/shop.js")
    assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert b"'use strict'" in script.body


async def _remaining(place: Place) -> int:
    (product,) = (await place.call("GET", "/products")).json["products"]
    return int(product["remaining"])


async def _waits_for(place: Place, order: str, transition: str) -> bool:
    expected = "validating" if transition.startswith("stock") else "shipping"
    return (await place.state("order", order)).get("state") == expected


async def _is_over(place: Place, machine: str, key: str) -> bool:
    return bool((await place.state(machine, key)).get("completed"))


async def _was_told(place: Place, topic: str) -> bool:
    return topic in await place.topics()


async def _handled(place: Place, handler: str, count: int) -> list[Ended]:
    handled = await place.handled(handler)
    return handled if len(handled) >= count else []


Scenario = Callable[[Place], Awaitable[Any]]
SCENARIOS: dict[str, Scenario] = {each.__name__: each for each in (catalogue, orders, shipping, notices, page)}
