import pytest

from apps.engine.testing import Bench
from apps.modules.catalog.messaging.messaging_broker_eventbus import MessagingBrokerEventbus
from tests.support.documents import compiled_real, findings_real
from tests.unit.modules.making import make
from tests.unit.modules.playing import playing

pytestmark = [pytest.mark.spec("messaging.broker.eventbus"), pytest.mark.spec("CAT-B1")]


def test_it_has_no_settings_and_takes_those_of_a_broker():
    assert make(MessagingBrokerEventbus).problems() == []
    assert MessagingBrokerEventbus.Config.ignored_keys == {"topics", "description", "provider", "url"}


@pytest.mark.shows("messaging.broker.eventbus", "example")
async def test_the_example_s_message_reaches_the_handler_and_the_trigger_of_the_bus():
    async with playing("messaging_broker_eventbus") as place:
        await place.publish("parcel.arrived", {"id": "p-1"})
        assert [(run["workflow"], run["source"]) for run in place.runs()] == [
            ("inbox", "message"),
            ("announce", "trigger"),
        ]
        assert place.payloads("parcel.announced") == [{"parcel": "p-1"}]


@pytest.mark.shows("messaging.broker.eventbus", "failure")
async def test_a_message_that_no_run_can_be_made_of_is_a_failed_run_and_the_next_one_is_taken():
    text = """
modules:
- {name: bus, type: eventbus.modular}
- {name: broker, type: messaging.broker.eventbus}
workflows:
  pipelines: {announce: {steps: [{validate: {schema: {required: [id]}}}]}}
triggers:
  eventbus: {subscriptions: [{topic: parcel.arrived, workflow: announce, action: announce}]}
"""
    async with Bench(compiled_real(text)) as bench:
        for payload in ({"lost": True}, {"id": "p-1"}):
            async with bench.host.unit() as unit:
                unit.broker.publish("parcel.arrived", payload)
        await bench.settle()
        assert [run["status"] for run in bench.host.queue.runs("local")] == ["failed", "done"]
        assert len(bench.host.queue.messages("local", "parcel.arrived")) == 2


@pytest.mark.shows("messaging.broker.eventbus", "failure")
def test_a_subscription_at_a_bus_that_is_not_there_is_told_at_its_place():
    text = (
        "modules:\n- {name: bus, type: messaging.broker.eventbus}\n- {name: h, type: messaging.handler}\n"
        "workflows:\n  messaging:\n    broker: nobody\n    subscriptions: [{topic: a, handler: h}]\n"
    )
    assert [found[:3] for found in findings_real(text)] == [("reference.unknown", "workflows.messaging.broker", 6)]
