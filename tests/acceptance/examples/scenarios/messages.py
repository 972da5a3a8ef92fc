"""Documents in which messages go from handler to handler."""

from tests.acceptance.examples.places import Ended, Place


async def sensor_stages(place: Place) -> None:
    """Every stage once, both outputs; what a stage cannot take goes to the topic for errors."""
    assert (await place.call("POST", "/readings", {"value": 21.75})).status == 202
    for output in ("archive", "display"):
        (reached,) = await place.until(lambda name=output: place.handled(name), f"the reading reaches {output}")
        assert reached.input == {"value": 21}
    assert await place.topics() == ["reading.raw", "reading.calibrated", "reading.ready"]
    for stage in ("calibrate", "round-off"):
        assert len(await place.handled(stage)) == 1
    await place.call("POST", "/readings", {"value": "warm"})
    (fault,) = await place.until(lambda: place.handled("fault-log"), "the fault is logged")
    assert fault.input["value"] == "warm"
    assert fault.input["error"]
    assert [len(await place.handled(name)) for name in ("round-off", "archive", "display")] == [1, 1, 1]


async def help_desk_triage(place: Place) -> None:
    """Each ticket reaches one team."""
    tickets = [("invoice", "pay it down"), ("refund", "please"), ("network", "no signal"), (None, "urgent: hello")]
    answers = [
        (await place.call("POST", "/tickets", {"text": text} | ({"subject": subject} if subject else {}))).json
        for subject, text in tickets
    ]
    assert [answer["urgent"] for answer in answers] == [True, False, False, True]
    billing = await place.until(lambda: _count(place, "billing-team", 2), "both tickets about money")
    assert {ticket.input["subject"] for ticket in billing} == {"invoice", "refund"}
    await place.until(lambda: _count(place, "network-team", 1), "the network team")
    (other,) = await place.until(lambda: _count(place, "front-desk", 1), "the front desk")
    assert other.input["text"] == "urgent: hello"


async def topic_patterns(place: Place) -> None:
    """A star is one segment, two are any number; a handler may say its topic by itself."""
    for topic in ("ship.arrived", "pier.7.berth", "pier.7.berth.crane", "weather.fog"):
        await place.start("messaging", topic, {"message": {"about": topic}})
    heard = await place.until(lambda: _count(place, "logbook", 2), "the logbook hears of everything at the piers")
    assert {message.input["about"] for message in heard} == {"pier.7.berth", "pier.7.berth.crane"}
    for handler, topic in (
        ("harbour-master", "ship.arrived"), ("north-pier", "pier.7.berth"), ("lighthouse", "weather.fog"),
    ):  # fmt: skip
        (taken,) = await place.until(lambda name=handler: _count(place, name, 1), f"{handler} hears")
        assert taken.input["about"] == topic


async def lane_per_customer(place: Place) -> None:
    """The moves of each customer are replayed in the order they were taken."""
    moves = [("ada", f"a{number}") for number in range(5)] + [("bob", f"b{number}") for number in range(5)]
    for customer, move in sorted(moves, key=lambda each: each[1][1]):
        assert (await place.call("POST", "/moves", {"customer": customer, "move": move})).status == 202
    await place.until(lambda: _count(place, "replay", 10), "all moves are replayed")
    assert (await place.call("GET", "/games/ada")).json == ["a0", "a1", "a2", "a3", "a4"]
    assert (await place.call("GET", "/games/bob")).json == ["b0", "b1", "b2", "b3", "b4"]
    assert (await place.call("GET", "/games/eve")).json == []


async def _count(place: Place, handler: str, count: int) -> list[Ended]:
    handled = await place.handled(handler)
    return handled if len(handled) >= count else []


async def doorbell(place: Place) -> None:
    """Accepted at once, done by a run: path, query, body and the trigger's own params are its data."""
    rung = await place.call("POST", "/rings/front?by=nobody", {"by": "the postman"})
    assert (rung.status, rung.json["status"]) == (202, "workflow triggered")
    (told,) = await place.until(lambda: _count(place, "butler", 1), "the butler is told")
    assert told.input == {"door": "front", "by": "the postman", "house": "north"}


async def mail_room(place: Place) -> None:
    """A letter with a name reaches the shelf; one without is where somebody looks, with what was wrong."""
    await place.call("POST", "/mail", {"to": "ADA"})
    (sorted_,) = await place.until(lambda: _count(place, "shelf", 1), "the letter is sorted")
    assert sorted_.input == {"to": "ADA", "shelf": "ada"}
    await place.call("POST", "/mail", {"from": "nobody"})
    (lost,) = await place.until(lambda: _count(place, "lost-and-found", 1), "the other one is found")
    assert lost.input["from"] == "nobody"
    assert lost.input["error"]
    assert len(await place.handled("shelf")) == 1
