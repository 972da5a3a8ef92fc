import orjson
import pytest

from apps.engine.module import Effect
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply
from apps.modules.catalog.messaging.notification_slack import NotificationSlack
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("notification.slack", "D12")

URL = "https://hooks.slack.example/services/T/B/x"


async def post(unit, payload, config=None, reply=None):
    unit.http.replies.append(reply or HttpReply(200, {}, b"ok"))
    slack = make(NotificationSlack, {"webhookURL": URL} | (config or {}), "alerts")
    answer = await slack.run(payload, unit.context())
    return answer, orjson.loads(unit.http.asked[-1]["body"])


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("hello", "hello"),
        ({"text": "hello", "n": 1}, "hello"),
        ({"message": "hello"}, "hello"),
        ({"text": "", "n": 1}, '{"text":"","n":1}'),
        ([1, None], "[1,null]"),
    ],
)
async def test_a_message_is_posted_as_words(unit, payload, text):
    answer, body = await post(unit, payload)
    assert body == {"text": text}
    assert answer == {"status": 200, "body": "ok"}
    assert (unit.http.asked[0]["method"], unit.http.asked[0]["url"]) == ("POST", URL)


async def test_channel_name_and_words_may_be_said(unit):
    config = {"channel": "#ops", "username": "weft", "text": "Order ${data.id} is paid"}
    _, body = await post(unit, {"id": 7}, config)
    assert body == {"channel": "#ops", "username": "weft", "text": "Order 7 is paid"}


async def test_the_address_may_be_a_secret(unit):
    unit.secrets.values["SLACK_WEBHOOK_URL"] = URL
    await post(unit, "x", {"webhookURL": "${SLACK_WEBHOOK_URL}"})
    assert unit.http.asked[0]["url"] == URL


async def test_without_an_address_nothing_is_sent(unit):
    with pytest.raises(StepFailed) as failure:
        await make(NotificationSlack).run("x", unit.context())
    assert (failure.value.code, unit.http.asked) == ("slack.no_address", [])


@pytest.mark.shows("notification.slack", "failure")
async def test_what_slack_refuses_for_now_is_tried_again_when_it_says(unit):
    with pytest.raises(TryAgain) as pause:
        await post(unit, "x", reply=HttpReply(429, {"retry-after": "30"}, b""))
    assert (pause.value.after, pause.value.code) == (30.0, "slack.not_now")


@pytest.mark.shows("notification.slack", "failure")
async def test_what_slack_refuses_fails_the_step_and_says_why(unit):
    with pytest.raises(StepFailed) as failure:
        await post(unit, "x", reply=HttpReply(404, {}, b"channel_not_found"))
    assert failure.value.code == "slack.refused"
    assert failure.value.data == {"status": 404, "body": "channel_not_found"}


def test_retries_are_steps_of_the_run():
    slack = make(NotificationSlack, {"webhookURL": URL, "maxRetries": "5"})
    assert (slack.retry.attempts, slack.effect) == (6, Effect.ONCE)


@pytest.mark.spec("CAT-B2.15")
async def test_channel_and_name_may_be_secrets(unit):
    unit.secrets.values |= {"CHANNEL": "#eu", "NAME": "weft-eu"}
    _, body = await post(unit, "x", {"channel": "secret://channel", "username": "${NAME}"})
    assert (body["channel"], body["username"]) == ("#eu", "weft-eu")
