"""`messaging.kafka` and its wire against a cluster that speaks Kafka's protocol, over real connections."""

import asyncio

import pytest

from apps.engine.local.wiring import LiveWires
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.wires import MESSAGE_ID, Wire, WireMessage
from apps.modules.catalog.messaging.messaging_kafka import MessagingKafka
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_records import put_record, records_of
from tests.unit.modules.catalog.messaging.on_wires import assert_refused_as_private, received
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("messaging.kafka"), pytest.mark.proven("messaging.kafka", "librdkafka-mock-cluster")]


PLANTED = "planted-4111-1111"


@pytest.fixture(scope="module")
def cluster():
    with kafka_cluster() as address:
        yield address


@pytest.fixture
def wire(cluster):
    return Wire("kafka", (cluster,))


async def test_what_a_step_publishes_is_a_record_that_others_read(cluster, unit, wires):
    unit.wires = wires
    bank = make(MessagingKafka, {"brokers": cluster})
    answer = await bank.run({"topic": "read", "message": {"n": "ü"}, "key": "Köln 1", "id": "m-1"}, unit.context())
    assert answer == {"topic": "read", "partition": answer["partition"], "offset": 0}
    (record,) = await asyncio.to_thread(records_of, cluster, "read", 1)
    assert (record.value(), record.key()) == ('{"n":"ü"}'.encode(), "Köln 1".encode())
    assert (MESSAGE_ID, b"m-1") in record.headers()
    assert await bank.health(unit.context()) == ("healthy", "")


@pytest.mark.spec("CAT-B2")
async def test_a_raw_record_shows_no_planted_value(cluster, unit, wires):
    unit.wires = wires
    unit.secrets.values["ENCRYPTION_KEY"] = "k3y"
    bank = make(MessagingKafka, {"brokers": [cluster]})
    await bank.run({"topic": "sealed", "message": {"card": PLANTED}, "key": PLANTED}, unit.context())
    (record,) = await asyncio.to_thread(records_of, cluster, "sealed", 1)
    assert PLANTED not in f"{record.value()!r} {record.key()!r} {record.headers()!r}"
    opened = await bank.opened(WireMessage("sealed", record.value()), unit.context())
    assert opened == {"card": PLANTED}


@pytest.mark.slow
async def test_a_group_goes_on_behind_what_it_settled_and_hears_what_came_meanwhile(cluster, wires, wire):
    async with wires.listen(wire, ["goes", "on"], group="books") as line:
        assert await line.receive() == []
        await asyncio.to_thread(put_record, cluster, "goes", b"1", b"k")
        (first,) = await received(line)
        assert (first.topic, first.body, first.key) == ("goes", b"1", "k")
        await line.settle()
        await asyncio.to_thread(put_record, cluster, "goes", b"2")
        assert [message.body for message in await received(line)] == [b"2"]
    await asyncio.to_thread(put_record, cluster, "on", b"3")
    async with wires.listen(wire, ["goes", "on"], group="books") as line:
        found = await received(line, 2)
        assert sorted(message.body for message in found) == [b"2", b"3"]
        assert len({message.place for message in found}) == 2


@pytest.mark.slow
async def test_patterns_hear_the_topics_that_there_are(cluster, wires, wire):
    for topic in ("pay.in", "pay.in.late", "payroll"):
        await asyncio.to_thread(put_record, cluster, topic, b"before")
    async with wires.listen(wire, ["pay.**"], group="patterns") as line:
        assert await line.receive() == []
        for topic in ("pay.in", "payroll", "pay.in.late"):
            await wires.publish(wire, WireMessage(topic, b"1"))
        assert sorted(message.topic for message in await received(line, 2)) == ["pay.in", "pay.in.late"]


@pytest.mark.parametrize("topic", ["a b", "", ".", "..", "ü", "a/b", "x" * 250])
async def test_what_is_no_topic_never_leaves(wires, wire, topic):
    with pytest.raises(StepFailed) as failure:
        await wires.publish(wire, WireMessage(topic, b"1"))
    assert failure.value.code == "broker.bad_topic"


async def test_a_record_that_is_too_large_fails(wires, wire):
    with pytest.raises(StepFailed) as failure:
        await wires.publish(wire, WireMessage("large", b"x" * 3_000_000))
    assert failure.value.code == "broker.refused"


@pytest.mark.shows("messaging.kafka", "failure")
async def test_a_cluster_that_goes_away_is_tried_again(wires):
    with kafka_cluster() as address:
        wire = Wire("kafka", (address,))
        await wires.publish(wire, WireMessage("a", b"1"))
    for _ in range(2):
        with pytest.raises(TryAgain) as silence:
            await wires.publish(wire, WireMessage("a", b"1"), timeout=3)
        assert silence.value.code == "broker.unreachable"


@pytest.mark.spec("D29")
async def test_a_private_cluster_is_refused_where_the_host_does_not_let_it_be_reached(wire):
    await assert_refused_as_private(wire)


@pytest.mark.spec("D29")
async def test_a_broker_that_a_cluster_names_is_guarded_too(cluster):
    allowed = iter([True])  # the first connection is the one that the document names
    guarded = LiveWires(lambda host, port, address: next(allowed, False))
    with pytest.raises(StepFailed) as refused:
        await guarded.publish(Wire("kafka", (cluster,)), WireMessage("a", b"1"), timeout=10)
    await guarded.close()
    assert refused.value.code == "broker.forbidden_target"
