"""Triggers `event` and `eventbus`: messages that start what they name."""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.testing import Bench
from apps.engine.topics import matches
from apps.engine.triggers.eventbus import bus_topic
from apps.modules.queries import registry

pytestmark = [pytest.mark.spec("CAT-B2"), pytest.mark.spec("D1")]

HEAD = """
modules:
- {name: bus, type: messaging.broker}
- {name: events, type: eventbus.modular}
- {name: engine, type: statemachine.engine}
- {name: inbox, type: messaging.handler}
workflows:
  statemachine:
    engine: engine
    definitions:
    - name: order
      initialState: new
      states: {new: {}, going: {}, done: {isFinal: true}}
      transitions: {submit: {fromState: new, toState: going}, finish: {fromState: going, toState: done}}
  pipelines:
    work: {steps: [{set: {seen: true}}]}
triggers:
"""


def application(triggers):
    return compile_document(load(HEAD + triggers).document, registry())


async def publish(bench, topic, *payloads):
    async with bench.host.unit() as unit:
        for payload in payloads:
            unit.broker.publish(topic, payload)
    await bench.settle()


def runs(bench):
    return [(run["workflow"], run["action"], run["status"]) for run in bench.host.queue.runs("local")]


EVENT = """
  event:
    subscriptions:
    - {topic: orders, event: created, workflow: order, action: submit, params: {by: trigger}}
    - {topic: orders, event: paid, workflow: order, action: finish}
    - {topic: loose, workflow: work, action: go, params: {id: fixed}}
    - {topic: nowhere, workflow: gone, action: go}
"""


@pytest.mark.spec("CAT-B2.11")
async def test_a_message_moves_the_instance_that_it_names():
    async with Bench(application(EVENT)) as bench:
        await publish(bench, "orders", {"type": "created", "id": "7"}, {"eventType": "paid", "id": "7"})
        assert runs(bench) == [("order", "submit", "done"), ("order", "finish", "done")]
        async with bench.host.unit() as unit:
            found = await unit.instances.get("order", "7")
        assert (found.state, found.completed, found.data["by"]) == ("done", True, "trigger")


async def test_the_messages_of_one_topic_are_taken_in_one_after_another():
    async with Bench(application(EVENT.replace("event: paid, ", "").replace("event: created, ", ""))) as bench:
        await publish(bench, "orders", *({"id": str(number)} for number in range(5)))
        started = [run for run in bench.host.queue.runs("local") if run["action"] == "submit"]
        assert [run["status"] for run in started] == ["done"] * 5


async def test_a_message_of_another_type_is_ignored_and_leaves_no_run():
    async with Bench(application(EVENT)) as bench:
        await publish(bench, "orders", {"type": "else", "eventType": "created"}, {})
        assert runs(bench) == []


async def test_the_data_are_the_message_its_text_and_the_params_which_win():
    async with Bench(application(EVENT)) as bench:
        await publish(bench, "loose", {"id": "mine", "n": 1}, '{"n": 2}')
        first, second = bench.host.queue.runs("local")
        assert first["input"] == {"id": "fixed", "n": 1, "originalMessage": '{"id":"mine","n":1}'}
        assert second["input"] == {"id": "fixed", "n": 2, "originalMessage": '{"n": 2}'}


@pytest.mark.parametrize("payload", ["no json", [1], 5, None, True])
async def test_a_message_that_is_no_object_fails_with_a_reason(payload):
    async with Bench(application(EVENT)) as bench:
        await publish(bench, "loose", payload)
        (run,) = bench.host.queue.runs("local")
        assert (run["status"], run["error"]["code"]) == ("failed", "message.not_an_object")


async def test_a_workflow_that_is_not_there_is_a_failed_run_and_a_warning():
    app = application(EVENT)
    assert [found.code for found in app.findings] == ["trigger.workflow.unknown"]
    async with Bench(app) as bench:
        await publish(bench, "nowhere", {})
        (run,) = bench.host.queue.runs("local")
        assert (run["status"], run["error"]["code"]) == ("failed", "workflow.unknown")


async def test_a_trigger_that_is_switched_off_starts_nothing():
    async with Bench(application(EVENT.replace("  event:\n", "  event:\n    enabled: false\n", 1))) as bench:
        await publish(bench, "loose", {})
        assert runs(bench) == []


BUS = """
  eventbus:
    subscriptions:
    - {topic: "order.*", event: paid, workflow: work, action: go, params: {from: bus}}
    - {topic: "ord*", workflow: work, action: any, async: true}
"""


@pytest.mark.spec("CAT-B2.11")
async def test_a_bus_topic_may_end_in_a_star_for_any_ending():
    async with Bench(application(BUS)) as bench:
        await publish(bench, "order.eu.paid", {"type": "paid"})
        await publish(bench, "orders", {"type": "paid"})
        await publish(bench, "border", {"type": "paid"})
        assert runs(bench) == [("work", "go", "done"), ("work", "any", "done"), ("work", "any", "done")]
        assert bench.host.queue.runs("local")[0]["input"] == {"type": "paid", "from": "bus"}


async def test_a_bus_event_that_is_no_object_is_the_payload():
    async with Bench(application(BUS)) as bench:
        await publish(bench, "orders", [1], '{"a": 1}')
        assert [run["input"] for run in bench.host.queue.runs("local")] == [{"payload": [1]}, {"a": 1}]


def test_async_events_wait_for_nobody_and_others_in_line():
    orders = {each.topic: each.ordering for each in application(BUS).subscriptions}
    assert orders == {"order.*.**": "key", "ord*.**": "none"}


async def test_lifecycle_events_reach_the_bus_and_what_follows_is_quiet():
    text = "  eventbus: {subscriptions: [{topic: 'workflow.*', workflow: work, action: told}]}\n"
    async with Bench(application(text)) as bench:
        await bench.host.start_run(bench.host.application().resolve("work", "by hand", {}))
        await bench.settle()
        assert [run["action"] for run in bench.host.queue.runs("local")] == ["by hand", "told", "told"]
        topics = [message["topic"] for message in bench.host.queue.messages("local")]
        assert topics == ["workflow.pipelines.started", "workflow.pipelines.completed"]


@pytest.mark.parametrize(
    ("written", "topic", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.*", "a.b.c", True),
        ("a.*", "a", False),
        ("a.*", "ab", False),
        ("a*", "ab.c", True),
        ("a*", "a", True),
        ("*", "anything", True),
        ("a.**", "a", True),
    ],
)
def test_the_star_of_the_bus_is_a_beginning(written, topic, expected):
    assert matches(bus_topic(written), topic) is expected


def test_a_subscription_is_called_after_what_it_says_wherever_it_stands():
    names = [each.name for each in application(EVENT).subscriptions]
    assert names[0] == "event: orders (created) -> order submit"
    twice = "  event: {subscriptions: [{topic: t, workflow: work, action: a}, {topic: t, workflow: work, action: a}]}\n"
    assert len({each.name for each in application(twice).subscriptions}) == 2


@pytest.mark.spec("CAT-B2.12")
async def test_a_mock_trigger_starts_nothing_and_its_action_can_be_started_by_hand():
    app = application("  mock: {workflow: order, action: submit, anything: [1]}\n")
    assert [found.code for found in app.findings] == ["trigger.mock"]
    async with Bench(app) as bench:
        await bench.host.start_run(app.resolve("order", "submit", {"id": "1"}))
        await bench.settle()
        assert runs(bench) == [("order", "submit", "done")]
