"""Messages: subscriptions, order, retries, dead letters, what producers forward."""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.support.small_modules import compiled

MODULES = """
modules:
- {name: broker, type: messaging.broker}
- {name: inbox, type: messaging.handler}
- {name: named, type: messaging.handler, config: {topic: implied}}
- {name: implied, type: messaging.handler, config: {topic: 'any.**'}}
- {name: doubler, type: data.transformer}
- {name: sender, type: test.sender}
- {name: step, type: processing.step, config: {component_id: sender, max_retries: 0}}
"""


def document(subscriptions: str, producers: str = "[]", more: str = "") -> str:
    return f"""{MODULES}
workflows:
  messaging:
    broker: broker
    subscriptions: {subscriptions}
    producers: {producers}
{more}"""


async def publish(bench: Bench, topic: str, payload, key=None, scope="local"):
    async with bench.host.unit(scope) as unit:
        unit.broker.publish(topic, payload, key=key)


def runs(bench: Bench):
    return [(run["workflow"], run["input"], run["status"]) for run in bench.host.queue.runs("local")]


@pytest.mark.spec("SPINE-B4.7", "CAT-B2.2")
async def test_a_message_runs_every_handler_that_subscribes():
    text = document("[{topic: a, handler: inbox}, {topic: a, handler: doubler}, {topic: b, handler: inbox}]")
    async with Bench(compiled(text)) as bench:
        await publish(bench, "a", {"n": 1})
        await publish(bench, "c", {"n": 2})
        await bench.settle()
        assert runs(bench) == [("inbox", {"n": 1}, "done"), ("doubler", {"n": 1}, "done")]
        assert bench.host.queue.runs("local")[0]["steps"][0]["logs"][0]["message"] == "inbox received a message"


async def test_a_topic_of_a_handler_subscribes_it_only_when_no_subscription_names_it():
    text = document("[{topic: other, handler: named}]")
    async with Bench(compiled(text)) as bench:
        await publish(bench, "implied", 1)
        await publish(bench, "any.thing.at", 2)
        await bench.settle()
        assert runs(bench) == [("implied", 2, "done")]


def test_two_subscriptions_of_one_handler_and_topic_have_two_names():
    application = compiled(document("[{topic: a, handler: inbox}, {topic: a, handler: inbox}]"))
    names = [subscription.name for subscription in application.subscriptions if subscription.handler == "inbox"]
    assert len(set(names)) == 2


@pytest.mark.spec("SPINE-B4.7", "CAT-B2.2", "SPINE-B4.21")
async def test_handlers_may_be_pipelines_and_processing_steps():
    pipelines = "  pipelines: {work: {steps: [{set: {done: 1}}, {emit: worked}]}}\n"
    text = document("[{topic: a, handler: work}, {topic: a, handler: step}]", more=pipelines)
    async with Bench(compiled(text)) as bench:
        await publish(bench, "a", {"n": 1})
        await bench.settle()
        assert [status for *_, status in runs(bench)] == ["done", "done"]
        assert [message["topic"] for message in bench.host.queue.messages("local")] == ["a", "worked"]
        assert bench.http.calls[0].json() == {"n": 1}


@pytest.mark.spec("D23", "SPINE-B4.7", "CAT-B2.2")
async def test_a_handler_may_publish_what_it_handles_itself_down_a_chain():
    producers = "[{name: inbox, forwardTo: [b]}, {name: doubler, forwardTo: [c, d, c-errors]}]"
    text = document("[{topic: a, handler: inbox}, {topic: b, handler: doubler}]", producers)
    async with Bench(compiled(text)) as bench:
        await publish(bench, "a", {"n": 2})
        await bench.settle()
        assert [(m["topic"], m["payload"]) for m in bench.host.queue.messages("local")] == [
            ("a", {"n": 2}), ("b", {"n": 2}), ("c", {"n": 4}), ("d", {"n": 4}),
        ]  # fmt: skip


@pytest.mark.spec("SPINE-B4.7")
@pytest.mark.parametrize(
    ("producer", "topics"),
    [
        ("{name: inbox, topic: b}", ["a", "b"]),
        ("{name: inbox, topic: b, forwardTo: [c]}", ["a", "c"]),
        ("{name: inbox, topic: a}", ["a"]),
    ],
)
async def test_the_topic_of_a_producer_is_where_it_publishes_unless_it_forwards_or_hears_it(producer, topics):
    async with Bench(compiled(document("[{topic: a, handler: inbox}]", f"[{producer}]"))) as bench:
        await publish(bench, "a", {"n": 2})
        await bench.settle()
        assert [message["topic"] for message in bench.host.queue.messages("local")] == topics


@pytest.mark.spec("eventbus.modular")
async def test_the_event_bus_is_the_broker_where_there_is_no_other():
    text = """
modules:
- {name: bus, type: eventbus.modular}
- {name: inbox, type: messaging.handler}
workflows: {messaging: {subscriptions: [{topic: a, handler: inbox}]}}
triggers: {event: {subscriptions: [{topic: b, workflow: messaging, action: a}]}}
"""
    application = compile_document(load(text).document, registry())
    assert application.findings == ()
    async with Bench(application) as bench:
        await publish(bench, "b", {"n": 1})
        await bench.settle()
        assert [message["topic"] for message in bench.host.queue.messages("local")] == ["b", "a"]


@pytest.mark.spec("SPINE-B4.7", "CAT-B2.2")
async def test_a_handler_that_fails_publishes_to_its_error_topics_and_the_message_is_dead():
    text = document("[{topic: a, handler: doubler}]", "[{name: doubler, forwardTo: [b, b-errors]}]")
    async with Bench(compiled(text)) as bench:
        await publish(bench, "a", {"n": "x"})
        await publish(bench, "a", [1])
        await bench.settle()
        assert [(m["topic"], m["payload"]) for m in bench.host.queue.messages("local")[2:3]] == [
            ("b-errors", {"n": "x", "error": "n is not a number"})
        ]
        assert [status for *_, status in runs(bench)] == ["failed", "failed"]


@pytest.mark.spec("SPINE-B4.7", "CAT-B2.2", "SPINE-B6.15")
async def test_messages_of_one_key_wait_for_each_other_and_other_keys_do_not():
    async with Bench(compiled(document("[{topic: a, handler: sender}]"))) as bench:
        bench.http.answer(503)
        for n, key in ((1, "x"), (2, "x"), (3, "y")):
            await publish(bench, "a", {"n": n}, key)
        await bench.host.drain()
        assert [call.json()["n"] for call in bench.http.calls] == [1, 3]
        await bench.settle()
        assert [call.json()["n"] for call in bench.http.calls] == [1, 3, 1, 2]


async def test_a_dead_message_frees_its_lane():
    async with Bench(compiled(document("[{topic: a, handler: sender}]"))) as bench:
        bench.http.answer(400)
        await publish(bench, "a", {"n": 1})
        await publish(bench, "a", {"n": 2})
        await bench.settle()
        assert [status for *_, status in runs(bench)] == ["failed", "done"]


async def test_a_subscription_may_choose_its_key_or_no_order_at_all():
    text = document("[{topic: a, handler: sender, key: '${data.n}'}, {topic: b, handler: sender, ordering: none}]")
    async with Bench(compiled(text)) as bench:
        bench.http.answer(503)
        for topic in ("a", "b"):
            for n in (1, None):
                await publish(bench, topic, {"n": n}, "same")
        await bench.host.drain()
        assert len(bench.http.calls) == 4


async def test_the_section_itself_can_be_triggered_to_publish():
    async with Bench(compiled(document("[{topic: a, handler: inbox}]"))) as bench:
        application = bench.host.application()
        for action, data in (("broker:a", {"message": {"n": 1}}), ("a", [2]), ("", {})):
            await bench.host.start_run(application.resolve("messaging", action, data))
        await bench.settle()
        assert [message["payload"] for message in bench.host.queue.messages("local")] == [{"n": 1}, [2]]
        made = bench.host.queue.runs("local")[:3]
        assert [run["status"] for run in made] == ["done", "done", "failed"]
        told = [(run["output"]["success"], run["output"]["broker"], run["output"]["topic"]) for run in made[:2]]
        assert told == [(True, "broker", "a")] * 2
        assert [run["output"]["length"] for run in made[:2]] == [len(b'{"n":1}'), len(b"[2]")]


@pytest.mark.spec("SPINE-B6.15")
async def test_two_scopes_hear_nothing_of_each_other():
    application = compiled(document("[{topic: a, handler: inbox}]"))
    async with Bench(application) as bench:
        bench.host.deploy(application, "other")
        await publish(bench, "a", {"n": 1}, scope="other")
        await bench.settle()
        assert runs(bench) == []
        assert [run["status"] for run in bench.host.queue.runs("other")] == ["done"]
