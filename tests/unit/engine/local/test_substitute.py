"""A broker outside that this process stands in for does what documents can tell of the real one."""

import asyncio

import pytest

from apps.engine.local.substitute import SubstituteWires
from apps.engine.outcome import StepFailed
from apps.engine.wires import Wire, WireMessage

pytestmark = pytest.mark.spec("messaging.kafka", "CAT-B1")

KAFKA, NATS = Wire("kafka", ("localhost:9092",)), Wire("nats", ("localhost:4222",))


async def put(wires, topic, *bodies, wire=KAFKA):
    for body in bodies:
        await wires.publish(wire, WireMessage(topic, body, "k", {"a": "b"}))


async def bodies(line):
    return [message.body for message in await line.receive()]


async def test_each_group_hears_everything_once_from_the_beginning():
    wires = SubstituteWires()
    await put(wires, "orders", b"1", b"2")
    for group in ("a", "b"):
        async with wires.listen(KAFKA, ["orders"], group=group) as line:
            assert await bodies(line) == [b"1", b"2"]
            await line.settle()
    await put(wires, "orders", b"3")
    for group in ("a", "b"):
        async with wires.listen(KAFKA, ["orders"], group=group) as line:
            assert await bodies(line) == [b"3"]
            await put(wires, "others", b"4")
            assert await bodies(line) == []


async def test_what_was_not_settled_comes_again_under_the_same_place():
    wires = SubstituteWires()
    await put(wires, "orders", b"1")
    places = []
    for _ in range(2):
        async with wires.listen(KAFKA, ["orders"], group="a") as line:
            places += [message.place for message in await line.receive()]
    assert len(places) == 2
    assert len(set(places)) == 1
    again = SubstituteWires()
    await put(again, "orders", b"1")
    async with again.listen(KAFKA, ["orders"], group="a") as line:
        assert (await line.receive())[0].place not in places


async def test_topics_are_heard_by_patterns_and_a_group_is_as_far_as_it_is_in_each():
    wires = SubstituteWires()
    async with (
        wires.listen(KAFKA, ["orders.*"], group="a") as orders,
        wires.listen(KAFKA, ["parcels.**"], group="a") as parcels,
    ):
        await put(wires, "parcels.sent.far", b"p")
        await put(wires, "orders.new", b"o")
        assert await bodies(orders) == [b"o"]
        await orders.settle()
        assert await bodies(parcels) == [b"p"]


async def test_a_line_that_waits_hears_what_comes_at_its_own_address_only():
    wires = SubstituteWires()
    async with wires.listen(KAFKA, ["orders"], group="a") as line:
        waiting = asyncio.ensure_future(line.receive())
        await asyncio.wait([waiting], timeout=0)
        await put(wires, "orders", b"elsewhere", wire=Wire("kafka", ("other:9092",)))
        await put(wires, "orders", b"here")
        (message,) = await waiting
        assert (message.body, message.key, message.headers) == (b"here", "k", {"a": "b"})


@pytest.mark.parametrize(("wire", "topic"), [(KAFKA, "a b"), (KAFKA, ""), (NATS, "a..b"), (NATS, "a.*")])
async def test_what_is_no_topic_of_the_real_broker_is_refused(wire, topic):
    with pytest.raises(StepFailed) as refused:
        await put(SubstituteWires(), topic, b"1", wire=wire)
    assert refused.value.code == "broker.bad_topic"
    await SubstituteWires().check(wire)


async def test_of_too_much_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr("apps.engine.local.substitute.MOST_KEPT", 3)
    monkeypatch.setattr("apps.engine.local.substitute.MOST_BYTES", 10)
    wires = SubstituteWires()
    for number in range(10):
        await put(wires, f"t{number}", b"%d" % number)
        async with wires.listen(KAFKA, ["**"], group="a") as line:
            assert await bodies(line) == [b"%d" % number]
            await line.settle()
    async with wires.listen(KAFKA, ["**"], group="b") as line:
        assert await bodies(line) == [b"7", b"8", b"9"]
        await put(wires, "large", b"x" * 20)
        assert await bodies(line) == [b"x" * 20]
    async with wires.listen(KAFKA, ["**"], group="c") as line:
        assert await bodies(line) == [b"x" * 20]
