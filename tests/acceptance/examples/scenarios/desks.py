"""Documents that take in what others send: carriers, signals."""

from urllib.parse import urlencode

from tests.acceptance.examples.places import Place

FORM = "application/x-www-form-urlencoded"


async def help_line(place: Place) -> None:
    """Texts become conversations of their programs; somebody takes, escalates and closes them."""
    programs = (
        {"id": "day", "name": "Day desk", "settings": {"queueAlertThreshold": 1}},
        {"id": "young", "name": "Young desk", "shortCode": "55502"},
    )
    for program in programs:
        assert (await place.call("POST", "/programs", program)).status == 201
    await place.call("POST", "/keywords", {"keyword": "school", "programId": "young"})

    async def texted(body: str) -> str:
        form = urlencode({"From": "+4420", "To": "55501", "Body": body}).encode()
        posted = await place.call("POST", "/webhooks/carrier", form, Content_Type=FORM)
        assert (posted.status, posted.json["state"]) == (201, "waiting")
        return str(posted.json["data"]["conversationId"])

    async def do(key: str, action: str, **body: str) -> tuple[int, str | None]:
        answer = await place.call("POST", f"/conversations/{key}/{action}", body)
        return answer.status, answer.json.get("transition")

    first, second, young = await texted("hello"), await texted("I am not well"), await texted("School is hard")
    found = await place.call("GET", "/conversations?programId=young")
    assert [(row["id"], row["data"]["keyword"]) for row in found.json] == [(young, "school")]
    health = (await place.call("GET", "/queue/health")).json
    assert [(line["programName"], line["depth"]) for line in health["programs"]] == [("Day desk", 2), ("Young desk", 1)]
    assert (health["alerts"], (await place.call("GET", "/queue")).json["totalQueued"]) == (1, 3)
    assert (await do(first, "messages", body="I want to end my life"))[0] == 201
    assert (await do(first, "close"))[0] == 400
    assert await do(first, "take", note="calm voice") == (200, "take_over")
    assert await do(first, "escalate", type="doctor") == (200, "escalate_to_doctor")
    assert await do(first, "close") == (200, "close_from_doctor")
    summary = (await place.call("GET", f"/conversations/{first}/summary")).json
    told = {"riskLevel": "high", "tags": ["suicidal-ideation"], "note": "calm voice", "programName": "Day desk"}
    assert {name: summary[name] for name in told} == told
    assert [await do(second, action) for action in ("take", "close")] == [
        (200, "take_over"),
        (200, "close_from_talking"),
    ]
    assert (await place.state("help", first))["completed"]
    assert (await place.call("GET", "/queue")).json["count"] == 1


async def signal_box(place: Place) -> None:
    """What the lever tells is heard twice, and the bus writes it down."""
    assert (await place.call("POST", "/trains", {"train": "night-mail"})).status == 200

    async def written() -> bool:
        page = (await place.call("GET", "/trains")).json
        return [row["data"]["signedBy"] for row in page["items"]] == ["signal box"]

    await place.until(written, "the train is in the book")
    assert await place.topics() == ["train.seen", "train.passed"]
