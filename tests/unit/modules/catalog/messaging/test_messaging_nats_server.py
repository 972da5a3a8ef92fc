"""`messaging.nats` and its wire against Debian's nats-server, over real connections."""

import asyncio

import pytest

from apps.engine.local.nats_line import ACK_SECONDS
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.wires import MESSAGE_ID, Wire, WireMessage
from apps.modules.catalog.messaging.messaging_nats import MessagingNats
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, messages_in, remove_consumers
from tests.unit.modules.catalog.messaging.on_wires import assert_refused_as_private, received
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("messaging.nats", "D12"), pytest.mark.proven("messaging.nats", "nats-server")]


@pytest.fixture(scope="module")
def server():
    with nats_server() as address:
        yield address


@pytest.fixture
def wire(server):
    return Wire("nats", (server,))


def told(messages):
    return [(message.topic, message.body, message.key) for message in messages]


async def test_what_a_step_publishes_is_heard(server, unit, wires, wire):
    unit.wires = wires
    async with wires.listen(wire, ["parcels.*"], group="g") as line:
        post = make(MessagingNats, {"url": f"nats://{server}"})
        assert await post.run({"topic": "parcels.new", "message": {"n": 1}, "key": "Köln 1"}, unit.context()) == {
            "topic": "parcels.new"
        }
        (message,) = await received(line)
        assert told([message]) == [("parcels.new", b'{"n":1}', "Köln 1")]
        assert message.headers[MESSAGE_ID]
        assert await post.health(unit.context()) == ("healthy", "")


@pytest.mark.parametrize(
    ("topics", "published", "heard"),
    [
        (["a.*", "a.b", "a.**"], ["a.b"], ["a.b"]),
        (["deep.**"], ["deep", "deep.er.still", "shallow"], ["deep", "deep.er.still"]),
        (["ord*.new"], ["orders.new"], ["orders.new"]),
        (["x.**.z"], ["x.z", "x.y.z"], ["x.z", "x.y.z"]),
    ],
)
async def test_patterns_are_heard_each_message_once(wires, wire, topics, published, heard):
    async with wires.listen(wire, topics, group="g") as line:
        for topic in published:
            await wires.publish(wire, WireMessage(topic, b"1"))
        assert [message.topic for message in await received(line, len(heard))] == heard
        assert await line.receive() == []


async def test_a_stream_keeps_what_comes_while_nobody_listens(server, wires, wire):
    await add_stream(server, "KEPT", "kept.>")
    async with wires.listen(wire, ["kept.*"], group="g"):
        pass
    sent = [WireMessage("kept.a", body, headers={MESSAGE_ID: body.decode()}) for body in (b"1", b"1", b"2")]
    stored = [await wires.publish(wire, message) for message in sent]
    assert [(each["stream"], each["sequence"]) for each in stored] == [("KEPT", 1), ("KEPT", 1), ("KEPT", 2)]
    async with wires.listen(wire, ["kept.*"], group="g") as line:
        found = await received(line, 2)
        assert [message.body for message in found] == [b"1", b"2"]
    async with wires.listen(wire, ["kept.*"], group="other") as line:
        assert await line.receive() == []
    assert len({message.place for message in found}) == 2


async def test_what_was_settled_is_not_delivered_again(server, wires, wire):
    await add_stream(server, "SETTLED", "settled")
    async with wires.listen(wire, ["settled"], group="g") as line:
        await wires.publish(wire, WireMessage("settled", b"1"))
        assert len(await received(line)) == 1
        await line.settle()
    async with wires.listen(wire, ["settled"], group="g") as line:
        assert await line.receive() == []


async def test_more_than_a_batch_comes_in_order(server, wires, wire):
    await add_stream(server, "MANY", "many")
    bodies = [b"%d" % number for number in range(250)]
    async with wires.listen(wire, ["many"], group="g") as line:
        for body in bodies:
            await wires.publish(wire, WireMessage("many", body))
        found = []
        while len(found) < len(bodies):
            found += await line.receive()
            await line.settle()
    assert [message.body for message in found] == bodies


async def test_a_line_that_closes_at_any_moment_gives_back_what_it_had_taken(server, wires, wire):
    await add_stream(server, "GIVEN", "given")
    async with wires.listen(wire, ["given"], group="g"):
        pass
    bodies = [b"%d" % number for number in range(60)]

    async def publishing():
        for body in bodies:
            await wires.publish(wire, WireMessage("given", body))

    sending = asyncio.create_task(publishing())
    for turns in range(5):
        async with wires.listen(wire, ["given"], group="g"):
            for _ in range(turns):
                await asyncio.sleep(0)
    await sending
    found = set()
    async with asyncio.timeout(ACK_SECONDS - 10), wires.listen(wire, ["given"], group="g") as line:
        while len(found) < len(bodies):
            found |= {message.body for message in await line.receive()}
            await line.settle()
    assert found == set(bodies)


async def test_who_is_cancelled_while_a_line_closes_gives_back_what_it_had_taken_all_the_same(server, wires, wire):
    await add_stream(server, "CUT", "cut")
    leaves = asyncio.Event()

    async def hear():
        async with wires.listen(wire, ["cut"], group="g") as line:
            await wires.publish(wire, WireMessage("cut", b"1"))
            await received(line)
            leaves.set()

    hearing = asyncio.create_task(hear())
    await leaves.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    hearing.cancel()
    await asyncio.wait([hearing])
    assert hearing.cancelled()
    async with asyncio.timeout(ACK_SECONDS - 10), wires.listen(wire, ["cut"], group="g") as line:
        assert [message.body for message in await received(line)] == [b"1"]


@pytest.mark.shows("messaging.nats", "failure")
async def test_a_consumer_that_is_removed_on_the_server_breaks_the_line(server, wires, wire):
    await add_stream(server, "REMOVED", "removed")
    async with wires.listen(wire, ["removed"], group="g") as line:
        await remove_consumers(server, "REMOVED")
        with pytest.raises(TryAgain) as broken:
            await received(line)
    assert broken.value.code == "broker.unreachable"


async def test_a_stream_shows_the_id_under_which_it_drops_repeats(server, wires, wire):
    await add_stream(server, "IDS", "ids")
    await wires.publish(wire, WireMessage("ids", b"1", headers={MESSAGE_ID: "m-1"}))
    (message,) = await messages_in(server, "IDS")
    assert (message.headers["Nats-Msg-Id"], message.headers[MESSAGE_ID]) == ("m-1", "m-1")


@pytest.mark.parametrize("topic", ["a b", "a..b", ".a", "a.*", "a.>", "a\r\nPUB b", "", "x" * 501])
async def test_what_is_no_subject_never_leaves(wires, wire, topic):
    with pytest.raises(StepFailed) as failure:
        await wires.publish(wire, WireMessage(topic, b"1"))
    assert failure.value.code == "broker.bad_topic"


async def test_a_message_that_the_server_does_not_take_fails(wires, wire):
    with pytest.raises(StepFailed) as failure:
        await wires.publish(wire, WireMessage("a", b"x" * 1_100_000))
    assert failure.value.code == "broker.refused"


@pytest.mark.shows("messaging.nats", "failure")
async def test_a_server_that_goes_away_breaks_the_line_and_one_that_comes_back_is_used(tmp_path, wires):
    with nats_server(tmp_path) as address:
        wire = Wire("nats", (address,))
        await wires.publish(wire, WireMessage("a", b"1"))
        line = await wires.listen(wire, ["a"], group="g").__aenter__()
    with pytest.raises(TryAgain) as broken:
        await received(line)
    assert broken.value.code == "broker.unreachable"
    await line.close()
    with pytest.raises(TryAgain):
        await wires.publish(wire, WireMessage("a", b"1"))
    with nats_server(tmp_path, port=int(address.rpartition(":")[2])):
        assert await wires.publish(wire, WireMessage("a", b"1")) == {"topic": "a"}


async def test_it_signs_in(wires, unit):
    with nats_server(password="pass") as address:
        unit.wires = wires
        assert await make(MessagingNats, {"url": f"nats://tester:pass@{address}"}).health(unit.context()) == (
            "healthy",
            "",
        )
        status, said = await make(MessagingNats, {"url": f"nats://tester:wrong@{address}"}).health(unit.context())
        assert (status, "wrong" in said) == ("degraded", False)


@pytest.mark.spec("D29")
async def test_a_private_server_is_refused_where_the_host_does_not_let_it_be_reached(wire):
    await assert_refused_as_private(wire)


async def test_connections_that_were_used_least_lately_are_closed_first(server, wires, monkeypatch):
    monkeypatch.setattr("apps.engine.local.wiring.MOST_OPEN", 2)
    some = [Wire("nats", (server,), username=name) for name in "abc"]
    for wire in some:
        await wires.publish(wire, WireMessage("a", b"1"))
    assert list(wires._open) == some[1:]
