import pytest
from pydantic import ValidationError

from apps.engine.module import Effect
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.wires import MESSAGE_ID, Wire, WireMessage
from apps.modules.catalog.messaging.messaging_nats import MessagingNats
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import RUN_ID

pytestmark = [pytest.mark.spec("messaging.nats", "D12"), pytest.mark.spec("CAT-B1")]


async def wire(unit, **config):
    return await make(MessagingNats, config, "post").wire(unit.context())


@pytest.mark.shows("messaging.nats", "description")
async def test_without_a_url_it_is_the_usual_server_of_this_machine(unit):
    assert await wire(unit) == Wire("nats", ("localhost:4222",))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nats://a:5000", Wire("nats", ("a:5000",))),
        ("a", Wire("nats", ("a:4222",))),
        ("tls://a", Wire("nats", ("a:4222",), is_encrypted=True)),
        ("nats://a, nats://b:5000", Wire("nats", ("a:4222", "b:5000"))),
        ("nats://[::1]:5000", Wire("nats", ("[::1]:5000",))),
        ("nats://me:p%40ss@a", Wire("nats", ("a:4222",), username="me", password="p@ss")),
        ("nats://t0ken@a", Wire("nats", ("a:4222",), token="t0ken")),
    ],
)
async def test_the_url_says_where_and_who(unit, url, expected):
    assert await wire(unit, url=url) == expected


async def test_the_url_may_be_a_secret_and_shows_in_nothing(unit):
    unit.secrets.values["NATS_URL"] = "nats://me:hunter2@a"
    found = await wire(unit, url="${NATS_URL}")
    assert found.password == "hunter2"
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("url", ["http://a", "nats://", "nats://a:0", "nats://a:port", ",".join(["nats://a"] * 51)])
async def test_what_is_no_server_is_refused_when_written_and_when_filled_in(unit, url):
    with pytest.raises(ValidationError):
        make(MessagingNats, {"url": url})
    unit.secrets.values["NATS_URL"] = url
    with pytest.raises(StepFailed) as failure:
        await wire(unit, url="${NATS_URL}")
    assert failure.value.code == "broker.bad_address"


async def test_a_step_publishes_json_under_an_id_that_stays_over_all_tries(unit):
    post = make(MessagingNats, {"url": "nats://a"}, "post")
    answer = await post.run({"topic": "parcels", "message": {"n": "ü"}, "key": "k"}, unit.context(step_id=RUN_ID))
    await post.run({"topic": "parcels", "id": "mine"}, unit.context())
    (_, first), (_, second) = unit.wires.sent
    assert answer == {"topic": "parcels"}
    assert (first.topic, first.body, first.key) == ("parcels", '{"n":"ü"}'.encode(), "k")
    assert first.headers == {MESSAGE_ID: str(RUN_ID), "content-type": "application/json", "weft-hops": "1"}
    assert (second.body, second.headers[MESSAGE_ID]) == (b"null", "mine")
    assert MessagingNats.effect is Effect.IDEMPOTENT


@pytest.mark.parametrize("asked", [{}, {"topic": ""}, {"topic": "a", "qos": 1}, "parcels", {"topic": "a", "key": 1}])
async def test_what_says_no_message_is_refused_with_its_place(unit, asked):
    with pytest.raises(Rejected) as refusal:
        await make(MessagingNats).run(asked, unit.context())
    assert (refusal.value.code, refusal.value.status, unit.wires.sent) == ("broker.invalid", 422, [])


@pytest.mark.shows("messaging.nats", "failure")
async def test_a_server_that_does_not_answer_is_tried_again_and_shown_as_degraded(unit):
    post = make(MessagingNats)
    unit.wires.script += [TryAgain("nobody answers", code="broker.unreachable")] * 2
    with pytest.raises(TryAgain):
        await post.run({"topic": "a"}, unit.context())
    assert await post.health(unit.context()) == ("degraded", "nobody answers")
    assert await post.health(unit.context()) == ("healthy", "")


@pytest.mark.parametrize(
    ("body", "payload"),
    [(b'{"n":1}', {"n": 1}), (b"plain", "plain"), ("ü".encode(), "ü"), (b"\xff\x00", {"base64": "/wA="}), (b"", "")],
)
async def test_what_comes_is_json_else_text_else_bytes(unit, body, payload):
    assert await make(MessagingNats).opened(WireMessage("a", body), unit.context()) == payload


def test_a_workflow_has_a_group_of_its_own():
    assert make(MessagingNats).group("usual") == "usual"
