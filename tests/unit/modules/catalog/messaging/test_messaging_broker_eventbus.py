import pytest

from apps.modules.catalog.messaging.messaging_broker_eventbus import MessagingBrokerEventbus
from tests.unit.modules.making import make
from tests.unit.modules.playing import playing

pytestmark = [pytest.mark.spec("messaging.broker.eventbus"), pytest.mark.spec("CAT-B1")]


def test_it_has_no_settings_and_takes_those_of_a_broker():
    assert make(MessagingBrokerEventbus).problems() == []
    assert MessagingBrokerEventbus.Config.ignored_keys == {"topics", "description", "provider", "url"}


async def test_the_example_s_message_reaches_the_handler_and_the_trigger_of_the_bus():
    async with playing("messaging_broker_eventbus") as place:
        await place.publish("parcel.arrived", {"id": "p-1"})
        assert [(run["workflow"], run["source"]) for run in place.runs()] == [
            ("inbox", "message"),
            ("announce", "trigger"),
        ]
        assert place.payloads("parcel.announced") == [{"parcel": "p-1"}]
