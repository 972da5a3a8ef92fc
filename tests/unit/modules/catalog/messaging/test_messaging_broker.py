import pytest

from apps.modules.catalog.messaging.messaging_broker import MessagingBroker
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "messaging.broker")


def test_a_broker_has_no_settings_and_knows_the_keys_it_ignores():
    assert make(MessagingBroker).problems() == []
    assert MessagingBroker.Config.ignored_keys == {"topics", "description", "provider", "url"}
