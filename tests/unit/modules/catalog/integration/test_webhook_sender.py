import base64
import hashlib
import hmac
import uuid

import orjson
import pytest
from pydantic import ValidationError

from apps.engine.module import Effect
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply
from apps.modules.catalog.integration.webhook_sender import WebhookSender
from tests.unit.modules.making import make
from tests.unit.modules.unit_in_memory import RUN_ID, START

pytestmark = pytest.mark.spec("SPINE-B4", "D12", "webhook.sender")

URL = "https://partner.example/hook"
STEP = uuid.UUID("00000000-0000-5000-8000-000000000007")


def reply(status=200, body=b"", **headers):
    return HttpReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


async def send(unit, config=None, payload=None, answer=None):
    unit.http.replies.append(answer or reply())
    sender = make(WebhookSender, {"url": URL} | (config or {}), "notify")
    context = unit.context(step_id=STEP, request_id="req-1")
    return await sender.run({"id": 1} if payload is None else payload, context)


@pytest.mark.spec("SPINE-B5.17", "SPINE-B6.7")
async def test_the_payload_goes_out_once_with_an_id_that_every_try_repeats(unit):
    told = await send(unit, answer=reply(202, b'{"ok":true}'))
    assert told == {"id": str(STEP), "status": 202, "statusCode": 202, "body": {"ok": True}}
    await send(unit)
    first, second = unit.http.asked
    assert (first["method"], first["url"], first["timeout"]) == ("POST", URL, 30.0)
    assert orjson.loads(first["body"]) == {"id": 1}
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"] == str(STEP)
    assert first["headers"]["content-type"] == "application/json"
    assert first["headers"]["x-request-id"] == "req-1"
    assert first["headers"]["webhook-timestamp"] == str(int(START.timestamp()))
    assert "webhook-signature" not in first["headers"]


async def test_outside_a_step_the_run_names_the_message(unit):
    unit.http.replies.append(reply())
    await make(WebhookSender, {"url": URL}).run({}, unit.context())
    assert unit.http.asked[0]["headers"]["webhook-id"] == str(RUN_ID)
    assert "x-request-id" not in unit.http.asked[0]["headers"]


@pytest.mark.parametrize(
    ("secret", "key"),
    [("whsec_" + base64.b64encode(b"0123456789abcdef").decode(), b"0123456789abcdef"), ("plain words", b"plain words")],
)
async def test_a_secret_signs_id_time_and_body(secret, key, unit):
    unit.secrets.values["HOOK_SECRET"] = secret
    await send(unit, {"secret": "${HOOK_SECRET}"})
    headers, body = unit.http.asked[0]["headers"], unit.http.asked[0]["body"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == expected


@pytest.mark.shows("webhook.sender", "failure")
async def test_a_broken_secret_fails_the_step_without_sending(unit):
    with pytest.raises(StepFailed) as failure:
        await send(unit, {"secret": "whsec_%%%"})
    assert failure.value.code == "webhook.bad_secret"
    assert unit.http.asked == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_what_may_change_is_tried_again(status, unit):
    with pytest.raises(TryAgain) as pause:
        await send(unit, answer=reply(status))
    assert (pause.value.code, pause.value.after) == ("webhook.not_now", None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0), ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0), ("soon", None)],
)
async def test_the_partners_own_pause_is_kept(header, seconds, unit):
    with pytest.raises(TryAgain) as pause:
        await send(unit, answer=reply(503, retry_after=header))
    assert pause.value.after == seconds


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 422])
async def test_any_other_refusal_ends_the_step_and_keeps_what_was_said(status, unit):
    with pytest.raises(StepFailed) as failure:
        await send(unit, answer=reply(status, b"no such order"))
    assert failure.value.code == "webhook.refused"
    assert failure.value.data == {"status": status, "body": "no such order"}


async def test_the_old_behaviour_tries_again_after_any_4xx(unit):
    with pytest.raises(TryAgain):
        await send(unit, {"retryClientErrors": True}, answer=reply(404))
    with pytest.raises(StepFailed):
        await send(unit, {"retryClientErrors": True}, answer=reply(302))


async def test_address_and_headers_are_filled_in_and_the_address_is_encoded(unit):
    unit.secrets.values["TOKEN"] = "s3cret"
    config = {
        "url": "https://partner.example/orders/${data.id}/tags/${data.tags.0}",
        "headers": {"Authorization": "Bearer ${TOKEN}", "X-Order": "${data.id}"},
        "method": "put",
    }
    await send(unit, config, {"id": "a/../b?c", "tags": ["x y"]})
    asked = unit.http.asked[0]
    assert asked["method"] == "PUT"
    assert asked["url"] == "https://partner.example/orders/a%2F..%2Fb%3Fc/tags/x%20y"
    assert asked["headers"]["authorization"] == "Bearer s3cret"
    assert asked["headers"]["x-order"] == "a/../b?c"


async def test_the_whole_address_may_come_from_the_payload(unit):
    await send(unit, {"url": "${data.callback}"}, {"callback": "https://a.example/x?y=1"})
    assert unit.http.asked[0]["url"] == "https://a.example/x?y=1"


@pytest.mark.parametrize(
    ("config", "payload", "code"),
    [
        ({"url": ""}, {}, "webhook.no_address"),
        ({"url": "ftp://a.example"}, {}, "webhook.no_address"),
        ({"headers": {"X-A": "${data.a}"}}, {"a": "x\r\nevil: 1"}, "webhook.bad_header"),
    ],
)
async def test_what_cannot_be_sent_fails_before_anything_leaves(config, payload, code, unit):
    with pytest.raises(StepFailed) as failure:
        await send(unit, config, payload)
    assert failure.value.code == code
    assert unit.http.asked == []


async def test_only_the_beginning_of_a_long_answer_is_kept(unit):
    assert len((await send(unit, answer=reply(200, b"x" * 10_000)))["body"]) == 4096


@pytest.mark.spec("D9", "SPINE-B6.9")
def test_retries_and_pauses_are_data_on_the_step():
    config = {"url": URL, "maxRetries": 5.0, "initialBackoff": "500ms", "maxBackoff": "1m", "timeout": "10s"}
    sender = make(WebhookSender, config)
    assert (sender.retry.attempts, sender.retry.first_pause_seconds, sender.retry.longest_pause_seconds) == (6, 0.5, 60)
    assert sender.retry.timeout_seconds > sender.config.timeout == 10
    assert sender.effect is Effect.IDEMPOTENT


@pytest.mark.parametrize(
    "config",
    [{"headers": {"bad name": "x"}}, {"method": "CONNECT"}, {"method": 1}, {"maxRetries": -1}, {"timeout": "0s"}],
)
def test_settings_that_cannot_work_are_refused(config):
    with pytest.raises(ValidationError):
        make(WebhookSender, {"url": URL} | config)
