"""`wfctl run` of documents whose messages go over a broker outside: a real one, one that is away, and none at all."""

import asyncio
from functools import partial

import pytest

from apps.core.management.local.ports import any_free
from tests.support.checkout import ROOT
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_records import put_record, records_of
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, consumers_of, messages_in, publish_raw
from tests.support.waiting import wait_for
from tests.support.wfctl import Serving

pytestmark = pytest.mark.spec("CAT-B1", "SPINE-B9")

MODULES = ROOT / "examples" / "modules"
KAFKA, NATS = MODULES / "messaging_kafka.yaml", MODULES / "messaging_nats.yaml"
PATIENCE = 40.0


def handled(served, handler):
    """Return what a handler was given, oldest first."""
    return [run["input"] for run in served.runs(source="message", workflow=handler, status="done")]


def in_the_end(probe, what):
    return wait_for(probe, timeout=PATIENCE, what=what)


@pytest.mark.spec("messaging.nats")
def test_parcels_go_to_a_nats_server_and_come_from_there():
    with nats_server() as address:
        asyncio.run(add_stream(address, "PARCELS", "parcels.*"))
        with Serving(NATS, NATS_URL=f"nats://{address}") as served:
            in_the_end(lambda: asyncio.run(consumers_of(address, "PARCELS")), "the consumer")
            assert served.call("POST", "/parcels", {"number": "7"}).status == 202
            in_the_end(lambda: handled(served, "counter") == [{"number": "7"}], "what went out and came back")
            asyncio.run(publish_raw(address, "parcels.lost", b'{"number": "8"}'))
            in_the_end(lambda: len(handled(served, "counter")) == 2, "what somebody else has sent")
            assert handled(served, "counter")[1] == {"number": "8"}
            assert served.get("/health")["status"] == "healthy"
        kept = asyncio.run(messages_in(address, "PARCELS"))
        assert [(message.subject, message.data) for message in kept] == [
            ("parcels.announced", b'{"number":"7"}'),
            ("parcels.lost", b'{"number": "8"}'),
        ]


@pytest.mark.spec("messaging.kafka")
def test_payments_go_to_a_kafka_cluster_and_come_from_there():
    with kafka_cluster() as address, Serving(KAFKA, KAFKA_BROKER=address) as served:

        def comes_in():
            put_record(address, "payments", b'{"account": "outside"}', b"outside")
            return handled(served, "bookkeeper")

        in_the_end(comes_in, "a record of somebody else")  # a new group hears what comes once it has joined
        assert served.call("POST", "/payments", {"account": "ours"}).status == 202
        in_the_end(lambda: {"account": "ours"} in handled(served, "bookkeeper"), "what went out and came back")

        def booked():  # in no order, since accounts are keys
            count = len(handled(served, "bookkeeper"))
            return {record.value() for record in records_of(address, "bookings", count)}

        both = {b'{"account":"outside"}', b'{"account":"ours"}'}
        in_the_end(lambda: booked() == both, "both bookings")


@pytest.mark.spec("messaging.nats")
def test_a_server_that_is_away_is_degraded_health_and_gets_everything_once_it_is_there(tmp_path):
    port = any_free()
    with nats_server(tmp_path, port=port) as address:
        asyncio.run(add_stream(address, "PARCELS", "parcels.*"))
    with Serving(NATS, NATS_URL=f"nats://{address}") as served:
        assert served.call("POST", "/parcels", {"number": "7"}).status == 202
        (run,) = in_the_end(lambda: waiting(served), "the run that waits for the server")
        assert run["wait"]["reason"] == "retry back-off"
        assert served.get("/health")["checks"]["post"]["status"] == "degraded"
        with nats_server(tmp_path, port=port):
            in_the_end(partial(arrived, address), "the message that waited")
            in_the_end(lambda: asyncio.run(consumers_of(address, "PARCELS")), "the consumer")
            asyncio.run(publish_raw(address, "parcels.late", b'{"number": "8"}'))
            in_the_end(lambda: {"number": "8"} in handled(served, "counter"), "what came from there")


def waiting(served):
    return served.runs(source="message", workflow="post", status="waiting")


def arrived(address):
    return [message.data for message in asyncio.run(messages_in(address, "PARCELS"))] == [b'{"number":"7"}']


@pytest.mark.spec("messaging.kafka", "messaging.nats")
def test_without_any_broker_this_process_stands_in_for_both():
    nowhere = {"KAFKA_BROKER": "127.0.0.1:1", "NATS_URL": "nats://127.0.0.1:1"}
    with Serving(KAFKA, NATS, "--local-brokers", **nowhere) as served:
        parcels = served.at("messaging_nats")
        for number in range(3):
            assert served.call("POST", "/payments", {"account": number}).status == 202
            assert parcels.call("POST", "/parcels", {"number": number}).status == 202
        in_the_end(lambda: len(handled(served, "bookkeeper")) == 3, "all payments")
        in_the_end(lambda: len(handled(parcels, "counter")) == 3, "all parcels")
        assert sorted(payment["account"] for payment in handled(served, "bookkeeper")) == [0, 1, 2]
        assert sorted(parcel["number"] for parcel in handled(parcels, "counter")) == [0, 1, 2]
        assert served.get("/health")["status"] == "healthy"
        assert served.runs(status="failed") == parcels.runs(status="failed") == []
