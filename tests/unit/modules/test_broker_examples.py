"""The examples of brokers outside do what they say, on the local host with brokers in memory."""

import pytest

from apps.engine.outcome import TryAgain
from apps.engine.wires import WireMessage
from tests.support.waiting import wait_for_async
from tests.unit.modules.test_examples import bench

pytestmark = pytest.mark.spec("SPINE-B4", "SPINE-B4.23")


@pytest.mark.shows("messaging.nats", "example")
async def test_messaging_nats():
    async with bench("messaging_nats") as found:
        assert (await found.request("POST", "/parcels", body={"number": "7"})).status == 202
        await found.settle()
        ((wire, message),) = found.wires.sent
        assert (wire.addresses, wire.username) == (("nats.example:4222",), "tester")
        assert (message.topic, message.body, message.key) == ("parcels.announced", b'{"number":"7"}', "7")
        (feed,) = found.host.application().feeds
        assert (feed.name, feed.topics) == ("post", ("parcels.*",))
        assert (await found.request("GET", "/healthz")).json()["checks"]["post"] == {"status": "healthy"}


@pytest.mark.shows("messaging.kafka", "example")
async def test_messaging_kafka():
    async with bench("messaging_kafka") as found:
        found.host.feeds.start()
        assert (await found.request("POST", "/payments", body={"account": "A1"})).status == 202
        await found.settle()
        line = await wait_for_async(lambda: first_line(found), what="a line")
        line.waiting.put_nowait([WireMessage("payments", b'{"account":"A2"}', "A2")])
        await line.waiting.join()
        await found.settle()
        assert (line.wire.addresses, line.group) == (("kafka.example:9092",), "bookkeeping")
        sent = [(message.topic, message.body) for _, message in found.wires.sent]
        assert sent == [("payments", b'{"account":"A1"}'), ("bookings", b'{"account":"A2"}')]
        found.wires.script.append(TryAgain("nobody answers"))
        assert (await found.request("GET", "/healthz")).json()["checks"]["bank"]["status"] == "degraded"


async def first_line(found):
    return found.wires.lines[0] if found.wires.lines else None
