import pytest

from apps.engine.testing import Bench
from apps.modules.catalog.messaging.messaging_broker import MessagingBroker
from tests.support.documents import compiled_real
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "messaging.broker")

DOCUMENT = """
modules:
- {name: server, type: http.server, config: {port: 8080}}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: inbox, type: messaging.handler}
- {name: tell, type: webhook.sender, config: {url: 'https://partner.example/'}}
workflows:
  http: {routes: [{method: POST, path: /orders, handler: take}]}
  messaging: {subscriptions: [{topic: order.made, handler: inbox}, {topic: order.made, handler: tell}]}
  pipelines: {take: {steps: [%s]}}
"""


def test_a_broker_has_no_settings_and_knows_the_keys_it_ignores():
    assert make(MessagingBroker).problems() == []
    assert MessagingBroker.Config.ignored_keys == {"topics", "description", "provider", "url"}


@pytest.mark.shows("messaging.broker", "failure")
async def test_what_a_failed_request_published_never_leaves():
    text = DOCUMENT % "{emit: order.made}, {validate: {schema: {required: [id]}}}"
    async with Bench(compiled_real(text)) as bench:
        assert (await bench.request("POST", "/orders", body={"n": 1})).status == 422
        assert bench.host.queue.messages("local") == []
        assert (await bench.request("POST", "/orders", body={"id": 1})).status == 200
        assert [message["topic"] for message in bench.host.queue.messages("local")] == ["order.made"]


@pytest.mark.shows("messaging.broker", "failure")
async def test_a_handler_that_keeps_failing_costs_the_others_nothing_and_its_message_is_kept():
    async with Bench(compiled_real(DOCUMENT % "{emit: order.made}")) as bench:
        bench.http.unreachable()
        bench.http.answer(400, {"why": "no"})
        for number in (1, 2):
            assert (await bench.request("POST", "/orders", body={"id": number})).status == 200
        await bench.settle()
        ended = [
            (run["workflow"], run["status"], run["input"]["id"])
            for run in bench.host.queue.runs("local", source="message")
        ]
        assert sorted(ended) == [("inbox", "done", 1), ("inbox", "done", 2), ("tell", "done", 2), ("tell", "failed", 1)]
        assert [message["payload"]["id"] for message in bench.host.queue.messages("local")] == [1, 2]
