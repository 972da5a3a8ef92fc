"""`webhook.sender` against a receiver that checks what it is sent by the rules of Standard Webhooks."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from apps.engine.local.outside import OutboundHttp
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.testing import Bench
from apps.modules.catalog.integration.webhook_sender import WebhookSender
from tests.support.documents import compiled_real
from tests.support.upstream import Said, upstream
from tests.unit.modules.making import make

pytestmark = [pytest.mark.spec("webhook.sender", "D12"), pytest.mark.proven("webhook.sender", "webhook-receiver")]

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
TOLERANCE_SECONDS = 300


def is_genuine(asked, now):
    """Check id, time and signature as the rules say a receiver should."""
    identity, sent_at = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
    signed = b".".join((identity.encode(), sent_at.encode(), asked.body))
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = [each.removeprefix("v1,") for each in asked.headers["webhook-signature"].split(" ")]
    return expected in given and abs(now - int(sent_at)) <= TOLERANCE_SECONDS


@pytest.fixture
def partner():
    with upstream() as opened:
        yield opened


async def test_every_try_of_a_run_is_genuine_and_has_one_id(partner):
    partner.say("POST /hook", Said(503), Said(429, b"", (("Retry-After", "7"),)), Said(202, {"taken": True}))
    http = OutboundHttp()
    text = f"""
modules:
- {{name: bus, type: messaging.broker}}
- name: notify
  type: webhook.sender
  config: {{url: '{partner.url}/hook', secret: '${{HOOK}}', headers: {{X-A: b}}}}
workflows: {{messaging: {{subscriptions: [{{topic: order.made, handler: notify}}]}}}}
"""
    async with Bench(compiled_real(text), http=http, secrets={"HOOK": SECRET}) as bench:
        async with bench.host.unit() as unit:
            unit.broker.publish("order.made", {"id": 7, "name": "Grüße"})
        await bench.settle()
        (run,) = bench.host.queue.runs("local")
        now = bench.clock.now().timestamp()
    await http.close()
    assert (run["status"], len(partner.calls)) == ("done", 3)
    assert [is_genuine(asked, now) for asked in partner.calls] == [True] * 3
    assert len({asked.headers["webhook-id"] for asked in partner.calls}) == 1
    assert {(asked.headers["x-a"], asked.headers["content-type"]) for asked in partner.calls} == {
        ("b", "application/json")
    }
    assert [json.loads(asked.body) for asked in partner.calls] == [{"id": 7, "name": "Grüße"}] * 3
    assert not is_genuine(partner.calls[0], time.time() - 10 * 365 * 86_400)


async def test_a_refusal_is_final_and_silence_is_not(partner, unit):
    unit.http = OutboundHttp()
    partner.say("POST /hook", Said(410, {"why": "gone"}))
    with pytest.raises(StepFailed):
        await make(WebhookSender, {"url": f"{partner.url}/hook"}).run({"id": 1}, unit.context())
    with pytest.raises(TryAgain):
        await make(WebhookSender, {"url": "http://127.0.0.1:1/hook"}).run({"id": 1}, unit.context())
    await unit.http.close()
