"""`messaging.kafka` speaks TLS with every broker of a cluster, and with none whose certificate it does not trust."""

import asyncio

import pytest

from apps.engine.local.wiring import LiveWires
from apps.engine.outcome import TryAgain
from apps.engine.wires import WireMessage
from apps.modules.catalog.messaging.messaging_kafka import MessagingKafka
from tests.support.certificates import make_certificates
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_door import kafka_door
from tests.support.kafka_records import put_record, records_of
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("messaging.kafka"), pytest.mark.proven("messaging.kafka", "librdkafka-mock-cluster")]


@pytest.fixture(scope="module")
def cluster():
    with kafka_cluster() as address:
        yield address


@pytest.fixture
async def wires(unit):
    unit.wires = LiveWires(lambda host, port, address: True)
    yield unit.wires
    await unit.wires.close()


@pytest.fixture
def certificates(tmp_path, monkeypatch):
    """Return a broker's certificate for this machine, from an authority that is trusted."""
    made = make_certificates(tmp_path, "127.0.0.1")
    for name, value in made.trusted.items():
        monkeypatch.setenv(name, value)
    return made


async def test_records_go_and_come_over_tls(cluster, wires, unit, certificates):
    async with kafka_door(cluster, certificates) as door:
        bank = make(MessagingKafka, {"brokers": door, "tls": True})
        assert await bank.health(unit.context()) == ("healthy", "")
        answer = await bank.run({"topic": "payments", "message": {"n": 1}}, unit.context())
        assert (answer["topic"], answer["offset"]) == ("payments", 0)
        (record,) = await asyncio.to_thread(records_of, cluster, "payments", 1)
        assert record.value() == b'{"n":1}'
        async with wires.listen(await bank.wire(unit.context()), ["payments"], group="tls") as line:
            await line.receive()
            await asyncio.to_thread(put_record, cluster, "payments", b"2")
            assert b"2" in await bodies(line)
        await wires.close()


async def bodies(line):
    """Return the first records that come."""
    for _ in range(20):
        found = await line.receive()
        if found:
            return [message.body for message in found]
    return []


async def test_a_cluster_that_is_not_trusted_or_does_not_speak_tls_gets_nothing(
    cluster, wires, unit, certificates, tmp_path_factory
):
    stranger = make_certificates(tmp_path_factory.mktemp("stranger"), "127.0.0.1")
    assert stranger.authority != certificates.authority
    async with kafka_door(cluster, stranger) as door:
        for address in (door, cluster):
            bank = make(MessagingKafka, {"brokers": address, "tls": True})
            assert (await bank.health(unit.context()))[0] == "degraded"
            with pytest.raises(TryAgain) as failure:
                await wires.publish(await bank.wire(unit.context()), WireMessage("secret", b"1"), timeout=5)
            assert failure.value.code == "broker.unreachable"
