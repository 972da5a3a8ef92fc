"""Documents with a state machine."""

from tests.acceptance.examples.places import Ended, Place


async def loan_application(place: Place) -> None:
    """Driven from outside to either end; a condition and a wrong state refuse; health and metrics answer."""
    assert (await place.call("POST", "/applications", {"applicant": "Ada"})).status == 200
    tidied = await place.call("POST", "/tidy", {"applicant": "Ada", "amount": 5, "shoe size": 38})
    assert tidied.json == {"applicant": "Ada", "amount": 5}
    for action, state in (("check", "checked"), ("decide", "decided"), ("pay_out", "paid_out")):
        run = await place.start("loan", action, {"id": "l-1", "amount": 5000})
        assert (run.state, run.output["currentState"]) == ("done", state), run.error
    assert await place.state("loan", "l-1") == {"state": "paid_out", "completed": True, "error": None}
    assert (await place.start("loan", "turn_down", {"id": "l-2"})).state == "done"
    ended = await place.state("loan", "l-2")
    assert (ended["state"], ended["completed"], bool(ended["error"])) == ("turned_down", True, True)
    late = await place.start("loan", "decide", {"id": "l-2"})
    assert (late.state, late.error["code"]) == ("failed", "instance.completed")
    await place.start("loan", "check", {"id": "l-3", "amount": 10_001})
    assert (await place.start("loan", "decide", {"id": "l-3"})).error["code"] == "transition.condition"
    letters = await place.until(lambda: _count(place, "letters", 2), "both letters")
    assert {(letter.input["id"], letter.input["state"]) for letter in letters} == {
        ("l-1", "paid_out"),
        ("l-2", "turned_down"),
    }
    assert b"# TYPE" in (await place.call("GET", "/metrics")).body
    assert (await place.call("GET", "/healthz")).json["status"] == "healthy"


async def support_case(place: Place) -> None:
    """New to closed by way of the automatic transition; conditions, the veto and wrong states refuse."""
    made = await place.call("POST", "/cases", {"id": "7", "question": "Where is my parcel?"})
    assert (made.status, made.json["state"]) == (201, "new")
    assert (await _move(place, "7", "take")) == (200, "taken")
    assert (await _move(place, "7", "answer", {"answer": ""})) == (400, "taken")
    assert (await _move(place, "7", "answer", {"answer": "On its way."}))[0] == 200
    await place.until(lambda: _is_in(place, "7", "resting"), "the automatic transition")
    assert (await _move(place, "7", "reopen")) == (200, "taken")
    assert (await _move(place, "7", "answer", {"answer": "At the gate."}))[0] == 200
    await place.until(lambda: _is_in(place, "7", "resting"), "the automatic transition again")
    assert (await _move(place, "7", "close")) == (200, "closed")
    assert (await place.state("case", "case-7"))["completed"] is True
    assert (await _move(place, "7", "reopen")) == (400, "closed")
    await place.call("POST", "/cases", {"id": "8", "question": ""})
    assert (await _move(place, "8", "take")) == (400, "new")
    assert (await _move(place, "8", "close")) == (400, "new")
    assert (await _move(place, "8", "no_such_transition")) == (400, "new")
    assert (await _move(place, "8", "drop")) == (200, "dropped")
    assert (await place.call("PUT", "/cases/9/transition", {"transition": "take"})).status == 404
    assert [row["id"] for row in (await place.call("GET", "/cases")).json] == ["7", "8"]


async def _move(place: Place, case: str, name: str, data: dict[str, object] | None = None) -> tuple[int, str]:
    """Ask for a transition; return the status and the state that the case then is in."""
    answer = await place.call("PUT", f"/cases/{case}/transition", {"transition": name, "data": data or {}})
    if answer.status >= 400:
        assert name in answer.json["error"]
    return answer.status, (await place.call("GET", f"/cases/{case}")).json["state"]


async def _is_in(place: Place, case: str, state: str) -> bool:
    return bool((await place.call("GET", f"/cases/{case}")).json["state"] == state)


async def room_booking(place: Place) -> None:
    """Each way through the steps ends where its transition leads, with what the steps made or why they failed."""
    ends = {"ok": "booked", "out_of_stock": "no_room", "decline": "released", "error": "no_room"}
    for number, (wish, state) in enumerate(ends.items()):
        key = f"b-{number}"
        made = await place.call("POST", "/bookings", {"id": key, "items": ["room"], "simulate": wish, "total": 80})
        assert (made.status, made.json["state"]) == (201, "asking")
        await place.until(lambda wanted=key: _is_over(place, wanted), f"the end of a booking with {wish}")
        ended = await place.state("booking", key)
        assert (ended["state"], bool(ended["error"])) == (state, state != "booked")
        assert (await place.call("GET", f"/bookings/{key}")).json["state"] == state
    booked = (await place.call("GET", "/bookings/b-0")).json["data"]
    assert booked["transaction_id"].startswith("pay-")
    told = await place.until(lambda: _count(place, "guest-book", 10), "the guest book")
    assert len(told) == 10


async def _is_over(place: Place, key: str) -> bool:
    return bool((await place.state("booking", key)).get("completed"))


async def _count(place: Place, handler: str, count: int) -> list[Ended]:
    handled = await place.handled(handler)
    return handled if len(handled) >= count else []


async def lamp_switch(place: Place) -> None:
    """On at night, not by day, and not twice."""
    await place.call("POST", "/lamps", {"id": "hall"})
    by_day = await place.call("POST", "/lamps/hall/on", {"hour": 12})
    assert by_day.status in (400, 422)
    assert (await place.call("GET", "/lamps/hall")).json["state"] == "dark"
    assert (await place.call("POST", "/lamps/hall/on", {"hour": 22})).json["state"] == "bright"
    assert (await place.call("POST", "/lamps/hall/on", {"hour": 23})).status == 400
    assert (await place.call("POST", "/lamps/hall/off", {})).json["state"] == "dark"
    assert (await place.call("POST", "/lamps/attic/on", {"hour": 22})).status == 404


async def travel_approval(place: Place) -> None:
    """A small amount needs one signature, a large one two; an approved trip files itself."""

    async def move(trip: str, name: str) -> int:
        return (await place.call("PUT", f"/trips/{trip}/transition", {"transition": name})).status

    for key, amount in (("near", 120), ("far", 2_000), ("moon", 9_999)):
        await place.call("POST", "/trips", {"id": key, "amount": amount})
    assert await move("near", "sign_small") == 200
    assert await move("far", "sign_small") == 400
    assert [await move("far", name) for name in ("sign_large", "countersign")] == [200, 200]
    assert await move("moon", "reject") == 200
    for key in ("near", "far"):
        await place.until(lambda trip=key: _is_completed(place, "trip", trip), f"{key} is archived by itself")
        assert (await place.call("GET", f"/trips/{key}")).json["state"] == "archived"
    assert (await place.state("trip", "moon"))["state"] == "rejected"
    assert await move("moon", "sign_large") == 400


async def _is_completed(place: Place, machine: str, key: str) -> bool:
    return bool((await place.state(machine, key)).get("completed"))
