"""What links hear besides messages on the bus: single steps of an integration, and what goes to a broker outside."""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.links.following import Link
from apps.engine.local.host import LOCAL
from apps.engine.local.joined import LocalLink
from apps.engine.testing import Bench
from apps.engine.wires import WireMessage
from apps.modules.queries import registry
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.8")

STEPS = """
modules:
- {name: hub, type: integration.registry}
- {name: broker, type: messaging.broker}
workflows:
  integration:
    registry: hub
    connectors: [{name: shop, type: rest, config: {baseURL: "https://shop.example"}}]
    steps:
    - {name: look-up, connector: shop, action: GET /a}
    - {name: pay, connector: shop, action: POST /pay}
"""
ABROAD = """
modules:
- {name: post, type: messaging.nats}
- {name: inbox, type: messaging.handler}
workflows:
  messaging:
    broker: post
    subscriptions:
    - {topic: parcel.sent, handler: inbox}
  pipelines:
    send: {steps: [{emit: parcel.sent, payload: "${data}"}]}
"""
LISTENER = """
modules:
- {name: broker, type: messaging.broker}
- {name: inbox, type: messaging.handler}
workflows:
  messaging:
    subscriptions:
    - {topic: parcel.sent, handler: inbox}
  pipelines:
    take: {steps: [{set: {taken: true}}]}
    send: {steps: [{emit: parcel.sent, payload: "${data}"}]}
"""


def bench(source, kind, pattern, action="take", *, target=LISTENER):
    """Return a host that serves a source, linked to a target, and an unlinked copy of the source."""
    found = Bench()
    for scope, text in ((LOCAL, source), ("target", target), ("unlinked", source)):
        found.host.deploy(compile_document(load(text).document, registry()), scope)
    link = LocalLink(Link("one", LOCAL, kind, action), "target", pattern)
    found.host.joined.join([LOCAL, "target"], [link])
    return found


async def start(found, workflow, data, scope=LOCAL):
    run_id = await found.host.start_run(found.host.application(scope).resolve(workflow, "", data), scope)
    await found.settle()
    assert found.host.bugs == []
    return found.host.queue.run(scope, run_id)


def linked(found, scope="target"):
    return [run["input"]["event_type"] for run in found.host.queue.runs(scope, source="link")]


@pytest.mark.spec("CAT-B2.13")
async def test_steps_of_an_integration_tell_a_link_alone_and_are_silent_without_one():
    pattern = "workflow.integration.step.**"
    async with bench(STEPS, "event_trigger", pattern) as found:
        for _ in range(2):
            found.http.answer(200, {"n": 1})
            found.http.answer(500)
        told, untold = await start(found, "integration", {}), await start(found, "integration", {}, "unlinked")
        topics = [f"workflow.integration.step.{end}" for end in ("look-up.started", "look-up.completed")]
        topics += [f"workflow.integration.step.{end}" for end in ("pay.started", "pay.failed")]
        assert linked(found) == topics
        assert found.host.queue.messages("unlinked") == []
        names = ["look-up.begin", "look-up", "pay.begin", "pay", "pay.failed"]
        assert [step["name"] for step in told["steps"]] == names
        assert [step["name"] for step in untold["steps"]] == ["look-up", "pay"]
        assert told["error"] == untold["error"]
        assert (told["status"], untold["output"]) == ("failed", told["output"])


async def test_a_link_hears_what_is_published_outside_once_and_not_what_comes_from_there():
    async with bench(ABROAD, "event_trigger", "parcel.*") as found:
        found.host.start()
        line = await wait_for_async(lambda: _line(found), what="the open line")
        await start(found, "send", {"n": 7})
        assert [message.body for _, message in found.wires.sent] == [b'{"n":7}']
        line.waiting.put_nowait([WireMessage("parcel.sent", b"{}", place="1")])
        await wait_for_async(lambda: _handled(found), what="what came back")
        await found.settle()
        assert linked(found) == ["parcel.sent"]
        assert found.host.queue.runs("target", source="message") == []


async def _line(found):
    return next((line for line in found.wires.lines if line.group.startswith(f"weft-{LOCAL}-")), None)


async def _handled(found):
    return [run for run in found.host.queue.runs(LOCAL, source="message") if run["workflow"] == "inbox"]


async def test_a_forward_goes_to_the_target_s_own_broker_under_the_same_topic_too():
    for action, topic in (("", "parcel.sent"), ("parcel.heard", "parcel.heard")):
        async with bench(LISTENER, "event_forward", "parcel.*", action, target=ABROAD) as found:
            await start(found, "send", {"n": 7})
            assert [(message.topic, message.body) for _, message in found.wires.sent] == [(topic, b'{"n":7}')]
