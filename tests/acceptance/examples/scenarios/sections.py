"""Documents of events, of the clock, of branches, and of what is kept for a while."""

from tests.acceptance.examples.places import Ended, Place


async def burglar_alarm(place: Place) -> None:
    """The third refusal at one door rings, the fourth does not; a visit is an opening and then a closing."""
    for door in ("north", "south", "north", "north", "north"):
        await place.start("messaging", "door.refused", {"message": {"door": door}})
    (rung,) = await place.until(lambda: _runs(place, "alarm", 1), "the alarm rings")
    assert rung.input == {"door": "north", "refusals": 3}
    for topic, door in (("door.closed", "east"), ("door.opened", "west"), ("door.closed", "west")):
        await place.start("messaging", topic, {"message": {"door": door}})
    (visit,) = await place.until(lambda: place.handled("visitors-book"), "the visit is noted")
    assert visit.input == {"door": "west"}
    assert len(await _runs(place, "alarm", 1)) == 1


async def fire_drill(place: Place) -> None:
    """Only the drill in which every floor reported is over."""
    for drill, floor in ((1, "first"), (2, "ground"), (2, "second"), (1, "second"), (2, "first")):
        await place.start("messaging", f"floor.{floor}", {"message": {"drill": drill}})
    (over,) = await place.until(lambda: _runs(place, "all-clear", 1), "the second drill is over")
    assert over.input == {"drill": "2"}


async def parcel_sorting(place: Place) -> None:
    """Each parcel ends where its weight and its mark lead it."""
    parcels = [
        ({"weight": 31, "mark": "fragile"}, "lift"), ({"weight": 30, "mark": "fragile"}, "by hand"),
        ({"weight": 1, "mark": "express"}, "courier"), ({"weight": 1}, "belt"), ({}, "belt"),
    ]  # fmt: skip
    for parcel, way in parcels:
        assert (await place.call("POST", "/parcels", {"parcel": parcel})).json == {"to": way}, parcel


async def weather_desk(place: Place) -> None:
    """Worked out once, remembered, forgotten when asked to."""
    answers = [(await place.call("GET", "/forecasts/Ulm")).json["from"] for _ in range(3)]
    assert answers == ["model", "cache", "cache"]
    assert (await place.call("GET", "/forecasts/Bonn")).json == {"town": "Bonn", "degrees": 12, "from": "model"}
    assert (await place.call("DELETE", "/forecasts")).json == {"forgotten": True}
    assert (await place.call("GET", "/forecasts/Ulm")).json == {"town": "Ulm", "degrees": 9, "from": "model"}


async def two_ledgers(place: Place) -> None:
    """What is sold and what is owed are in databases of their own."""
    assert (await place.call("GET", "/tax")).json == {"owed": 0}
    for amount in (100, 50):
        assert (await place.call("POST", "/sales", {"amount": amount})).status == 201
    assert (await place.call("GET", "/tax")).json == {"owed": 30}
    assert (await place.call("POST", "/sales", {"amount": 0})).status == 422


async def office_hours(place: Place) -> None:
    """A job that is asked for runs as it would by the clock, and its run can be looked at."""
    asked = await place.call("POST", "/jobs/run", {"job": "water-the-plants"})
    assert asked.status in (200, 202)
    (told,) = await place.until(lambda: place.handled("gardener"), "the job is done")
    assert (told.input["room"], told.input["status"]) == ("hall", "success")
    shown = await place.until(lambda: _jobs(place), "the run is in the store")
    assert [(run["job"], run["status"]) for run in shown] == [("water-the-plants", "success")]
    assert (await place.start("scheduler", "water-the-plants", {})).state == "done"


async def paper_round(place: Place) -> None:
    """A printed paper is delivered, a torn one is not."""
    for event, house in (("paper.printed", 4), ("paper.torn", 5)):
        await place.start("messaging", event, {"message": {"type": event, "house": house}})
    (delivered,) = await place.until(lambda: place.handled("doorstep"), "the paper is delivered")
    assert delivered.input == {"house": 4, "round": "early"}


async def shop_front(place: Place) -> None:
    """Everything is below the base path, and only one website may ask."""
    assert (await place.call("POST", "/shop/chairs", {"id": "c1", "legs": 4})).status == 201
    assert (await place.call("GET", "/chairs")).status == 404
    own = await place.call("GET", "/shop/chairs", Origin="https://pages.example")
    assert own.headers["access-control-allow-origin"] == "https://pages.example"
    other = await place.call("GET", "/shop/chairs", Origin="https://elsewhere.example")
    assert (other.status, "access-control-allow-origin" in other.headers) == (200, False)
    asked = {"Origin": "https://pages.example", "Access_Control_Request_Method": "POST"}
    assert (await place.call("OPTIONS", "/shop/chairs", **asked)).status in (200, 204)


async def order_book(place: Place) -> None:
    """The hook prices an order or refuses it; a message that says so makes it urgent."""
    made = await place.call("POST", "/orders", {"id": "o1", "quantity": 3})
    assert (made.status, made.json["data"]["total"]) == (201, 36)
    assert (await place.call("POST", "/orders", {"id": "o2", "quantity": 0})).status == 422
    assert (await place.call("GET", "/orders/o2")).status == 404
    assert (await place.call("POST", "/orders/o1/messages", {"body": "this is urgent"})).status == 201
    assert (await place.call("GET", "/orders/o1")).json["data"]["urgent"] is True


async def _runs(place: Place, handler: str, count: int) -> list[Ended]:
    handled = await place.handled(handler)
    return handled if len(handled) >= count else []


async def _jobs(place: Place) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await place.call("GET", "/jobs")).json["runs"]
    return found


async def night_watch(place: Place) -> None:
    """The round that the clock makes can be made by hand as well."""
    assert (await place.start("round", "go", {"by": "Ada", "doors": 3})).state == "done"
    (made,) = await place.until(lambda: place.handled("book"), "the round is in the book")
    assert made.input == {"doors": 3, "by": "Ada"}


async def customs_office(place: Place) -> None:
    """Each kind has its counter."""
    for kind, counter, status in (("plants", 1, 200), ("animals", 2, 200), ("books", 9, 202)):
        sent = await place.call("POST", "/goods", {"kind": kind})
        assert (sent.status, sent.json) == (status, {"counter": counter})


async def reading_room(place: Place) -> None:
    """A weak password is refused, a token opens the desk, and a refresh token works once."""
    reader = {"email": "ada@example.com", "password": "Password12", "name": "Ada"}
    assert (await place.call("POST", "/auth/register", reader)).status == 422
    made = await place.call("POST", "/auth/register", reader | {"password": "Password-12"})
    assert made.status == 201
    assert (await place.call("GET", "/desk", Authorization=f"Bearer {made.json['token']}")).json == {"welcome": True}
    assert (await place.call("GET", "/desk")).status == 401
    once = {"refreshToken": made.json["refreshToken"]}
    renewed = await place.call("POST", "/auth/refresh", once)
    assert renewed.status == 200
    assert (await place.call("POST", "/auth/refresh", once)).status == 401
    assert (await place.call("POST", "/auth/refresh", {"refreshToken": renewed.json["refreshToken"]})).status == 401
