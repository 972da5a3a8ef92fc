import pytest

from apps.engine.testing import Bench
from apps.modules.catalog.messaging.messaging_handler import MessagingHandler
from tests.support.documents import compiled_real, findings_real
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "messaging.handler")

DOCUMENT = """
modules:
- {name: broker, type: messaging.broker}
- {name: audit, type: messaging.handler}
- {name: tell, type: webhook.sender, config: {url: 'https://partner.example/'}}
workflows:
  messaging:
    subscriptions: [{topic: order.made, handler: audit}, {topic: order.noted, handler: tell}]
    producers: [{name: audit, forwardTo: [order.noted]}]
"""


def test_a_message_is_recorded_and_passed_on_unchanged(unit):
    context = unit.context()
    assert make(MessagingHandler, name="audit").run({"n": 1}, context) == {"n": 1}
    assert context.logs == [{"level": "info", "message": "audit received a message"}]


def test_a_topic_may_be_named_for_an_implicit_subscription():
    assert make(MessagingHandler, {"topic": "order.*"}).config.topic == "order.*"
    assert make(MessagingHandler).config.topic is None


@pytest.mark.shows("messaging.handler", "failure")
async def test_a_message_is_on_record_although_what_it_is_passed_on_to_fails():
    async with Bench(compiled_real(DOCUMENT)) as bench:
        bench.http.answer(400, {"why": "no"})
        async with bench.host.unit() as unit:
            unit.broker.publish("order.made", {"id": 1})
        await bench.settle()
        ended = {run["workflow"]: (run["status"], run["input"]) for run in bench.host.queue.runs("local")}
        assert ended == {"audit": ("done", {"id": 1}), "tell": ("failed", {"id": 1})}


@pytest.mark.shows("messaging.handler", "failure")
def test_a_topic_that_is_none_is_told_at_its_place():
    text = "modules:\n- {name: b, type: messaging.broker}\n- {name: h, type: messaging.handler, config: {topic: ''}}\n"
    assert [found[:3] for found in findings_real(text)] == [("config.required", "modules[1].config.topic", 3)]
