"""`notification.slack` against a receiver that keeps the contract of Slack's incoming webhooks."""

import pytest

from apps.engine.local.outside import OutboundHttp
from apps.engine.outcome import StepFailed
from apps.engine.testing import Bench
from apps.modules.catalog.messaging.notification_slack import NotificationSlack
from tests.support.documents import compiled_real
from tests.support.slack import PAUSE_SECONDS, slack
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("notification.slack"), pytest.mark.proven("notification.slack", "webhook-receiver")]


@pytest.fixture
def receiver():
    with slack() as opened:
        yield opened


@pytest.fixture
async def post(receiver, unit):
    unit.http = OutboundHttp()

    async def said(payload, **config):
        return await make(NotificationSlack, {"webhookURL": receiver.url} | config).run(payload, unit.context())

    yield said
    await unit.http.close()


async def test_messages_are_taken_as_they_were_meant(receiver, post):
    assert await post("Grüße & <b>☃</b>") == {"status": 200, "body": "ok"}
    await post({"id": 7}, channel="#ops", username="weft", text="Order ${data.id} is paid")
    await post([1, None])
    assert receiver.posted == [
        {"text": "Grüße & <b>☃</b>"},
        {"channel": "#ops", "username": "weft", "text": "Order 7 is paid"},
        {"text": "[1,null]"},
    ]


@pytest.mark.parametrize(
    ("payload", "config", "status", "word"),
    [("x", {"channel": "#gone"}, 404, "channel_not_found"), ("", {}, 400, "no_text")],
)
async def test_a_refusal_fails_the_step_with_slack_s_own_word(receiver, post, payload, config, status, word):
    with pytest.raises(StepFailed) as failure:
        await post(payload, **config)
    assert (failure.value.code, failure.value.data) == ("slack.refused", {"status": status, "body": word})
    assert receiver.posted == []


async def test_an_address_that_was_withdrawn_is_told(receiver, post):
    with pytest.raises(StepFailed) as failure:
        await post("x", webhookURL=receiver.url + "-old")
    assert failure.value.data == {"status": 403, "body": "invalid_token"}


async def test_a_run_waits_as_long_as_slack_asks_and_posts_once(receiver):
    receiver.busy = 2
    http = OutboundHttp()
    text = f"""
modules:
- {{name: bus, type: messaging.broker}}
- {{name: alerts, type: notification.slack, config: {{webhookURL: '{receiver.url}'}}}}
workflows: {{messaging: {{subscriptions: [{{topic: alarm, handler: alerts}}]}}}}
"""
    async with Bench(compiled_real(text), http=http) as bench:
        began = bench.clock.now()
        async with bench.host.unit() as unit:
            unit.broker.publish("alarm", {"text": "fire"})
        await bench.settle()
        (run,) = bench.host.queue.runs("local")
        assert (run["status"], receiver.posted) == ("done", [{"text": "fire"}])
        assert (bench.clock.now() - began).total_seconds() >= 2 * PAUSE_SECONDS
    await http.close()
