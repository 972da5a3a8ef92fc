"""How often `webhook.sender` tries, how far apart, and what is left of what nobody took (spec/modules.md 9.2)."""

from uuid import UUID

import pytest

from apps.engine.ports import HttpReply
from apps.engine.run.retry import jitter, pause_seconds
from apps.engine.run.state import SendAgain
from apps.engine.testing import EPOCH, Bench
from apps.modules.catalog.integration.webhook_sender import WebhookSender
from tests.support.documents import compiled_real
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("webhook.sender", "D12")

TEXT = """
modules:
- {name: bus, type: messaging.broker}
- name: notify
  type: webhook.sender
  config: {url: "https://partner.example/hook"%s}
workflows: {messaging: {subscriptions: [{topic: order.made, handler: notify}]}}
"""


class Partner:
    """Answers, and notes when it was asked."""

    def __init__(self, bench, *answers):
        self._bench, self._answers, self.asked, self.ids = bench, list(answers), [], []
        bench.http.script = [self] * 100

    def __call__(self, call):
        self.asked.append((self._bench.clock.now() - EPOCH).total_seconds())
        self.ids.append(call.headers["webhook-id"])
        answer = self._answers.pop(0) if self._answers else HttpReply(500, {}, b"")
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def pauses(self):
        return [round(later - earlier, 3) for earlier, later in zip(self.asked, self.asked[1:], strict=False)]


async def told(bench, *answers):
    """Publish one message and return who was told of it, and the run."""
    partner = Partner(bench, *answers)
    async with bench.host.unit() as unit:
        unit.broker.publish("order.made", {"id": 7})
    await bench.settle()
    return partner, bench.host.queue.runs("local")[0]


def reply(status, **headers):
    return HttpReply(status, headers, b"")


async def test_a_message_that_nobody_takes_is_tried_four_times_and_is_a_dead_letter_then():
    async with Bench(compiled_real(TEXT % "")) as bench:
        partner, run = await told(bench)
    assert (len(partner.asked), len(set(partner.ids))) == (4, 1)
    for pause, longest in zip(partner.pauses, (1.0, 2.0, 4.0), strict=True):
        assert 0 < pause <= longest
    assert (run["status"], run["error"]["code"]) == ("failed", "webhook.not_now")


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (6, 7)])
async def test_max_retries_are_the_tries_after_the_first(retries, tries):
    async with Bench(compiled_real(TEXT % f", maxRetries: {retries}")) as bench:
        partner, _ = await told(bench)
    assert len(partner.asked) == tries


def test_pauses_begin_at_a_second_double_and_end_at_a_minute():
    policy = make(WebhookSender, {"url": "https://a.example"}).retry
    assert (policy.attempts, policy.timeout_seconds) == (4, 35.0)
    step = UUID(int=7)
    longest = [pause_seconds(policy, step, attempt) / jitter(step, attempt) for attempt in range(1, 10)]
    assert longest == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])


async def test_the_pause_that_a_partner_asks_for_is_the_run_s():
    async with Bench(compiled_real(TEXT % "")) as bench:
        partner, run = await told(
            bench, reply(429, **{"retry-after": "17"}), reply(503, **{"retry-after": "90"}), reply(204)
        )
    assert (partner.pauses, run["status"]) == ([17.0, 90.0], "done")


@pytest.mark.parametrize(("flag", "tries"), [("", 1), (", retryClientErrors: true", 4)])
async def test_what_a_partner_refuses_is_sent_once_unless_the_old_behaviour_is_wanted(flag, tries):
    async with Bench(compiled_real(TEXT % flag)) as bench:
        partner, run = await told(bench, *[reply(404)] * 9)
    assert (len(partner.asked), run["status"]) == (tries, "failed")


async def test_a_run_that_is_tried_again_by_hand_sends_once_more_under_the_same_id():
    async with Bench(compiled_real(TEXT % ", maxRetries: 1")) as bench:
        partner, run = await told(bench)
        assert bench.host.tell(UUID(run["id"]), SendAgain())
        await bench.settle()
        (again,) = bench.host.queue.runs("local")
        assert (len(partner.asked), len(set(partner.ids)), again["status"]) == (3, 1, "failed")
