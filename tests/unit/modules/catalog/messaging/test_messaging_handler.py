import pytest

from apps.modules.catalog.messaging.messaging_handler import MessagingHandler
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "messaging.handler")


def test_a_message_is_recorded_and_passed_on_unchanged(unit):
    context = unit.context()
    assert make(MessagingHandler, name="audit").run({"n": 1}, context) == {"n": 1}
    assert context.logs == [{"level": "info", "message": "audit received a message"}]


def test_a_topic_may_be_named_for_an_implicit_subscription():
    assert make(MessagingHandler, {"topic": "order.*"}).config.topic == "order.*"
    assert make(MessagingHandler).config.topic is None
