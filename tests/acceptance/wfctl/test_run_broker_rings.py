"""Rings through a broker outside come to an end under `wfctl run`: one document's, and two documents' in a circle."""

import asyncio

import pytest

from apps.engine.hops import MOST_HOPS
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_records import put_record, records_of
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, consumers_of, messages_in
from tests.support.waiting import wait_for
from tests.support.wfctl import Serving

pytestmark = [pytest.mark.spec("CAT-B2", "CAT-B1"), pytest.mark.slow]

RING = """\
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: post, type: %(broker)s}
- {name: inbox, type: messaging.handler}
workflows:
  http: {routes: [{method: POST, path: /begin, handler: again}]}
  pipelines: {again: {steps: [{emit: ring.%(to)s}, {respond: {status: 202}}]}}
  messaging: {broker: post, subscriptions: [{topic: ring.%(of)s, handler: again}]}
"""
PATIENCE = 60.0


def in_the_end(probe, what):
    return wait_for(probe, timeout=PATIENCE, what=what)


def ended(*served):
    return [run["error"]["code"] for each in served for run in each.runs(status="failed")]


@pytest.mark.spec("messaging.nats")
def test_two_documents_that_answer_each_other_over_nats_stop(tmp_path):
    with nats_server() as address:
        asyncio.run(add_stream(address, "RINGS", "ring.*"))
        broker = f'messaging.nats, config: {{url: "nats://{address}"}}'
        files = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
        for file, of, to in zip(files, "ab", "ba", strict=True):
            file.write_text(RING % {"broker": broker, "of": of, "to": to})
        # Two processes, so that nothing but the broker joins them.
        with Serving(files[0]) as one, Serving(files[1]) as two:
            in_the_end(lambda: len(asyncio.run(consumers_of(address, "RINGS"))) == 2, "the consumers")
            assert one.call("POST", "/begin", {}).status == 202
            assert in_the_end(lambda: ended(one, two), "the end") == ["broker.loop"]
        sent = asyncio.run(messages_in(address, "RINGS"))
        assert [message.headers["weft-hops"] for message in sent] == [str(hop) for hop in range(1, MOST_HOPS + 1)]
        assert {message.subject for message in sent} == {"ring.a", "ring.b"}


@pytest.mark.spec("messaging.kafka")
def test_a_document_that_answers_itself_over_kafka_stops(tmp_path):
    with kafka_cluster() as address:
        file = tmp_path / "one.yaml"
        broker = f'messaging.kafka, config: {{brokers: "{address}", groupId: ring}}'
        text = RING % {"broker": broker, "of": "a", "to": "a"}
        file.write_text(text.replace("subscriptions: [", "subscriptions: [{topic: probe, handler: inbox}, "))
        with Serving(file) as served:

            def comes_in():
                put_record(address, "probe", b"{}", b"k")
                return served.runs(source="message", workflow="inbox")

            in_the_end(comes_in, "a record of somebody else")  # a new group hears what comes once it has joined
            assert served.call("POST", "/begin", {}).status == 202
            assert in_the_end(lambda: ended(served), "the end") == ["broker.loop"]
        records = records_of(address, "ring.a", MOST_HOPS)
        hops = sorted(int(dict(record.headers())["weft-hops"]) for record in records)  # partitions have no order
        assert hops == list(range(1, MOST_HOPS + 1))
