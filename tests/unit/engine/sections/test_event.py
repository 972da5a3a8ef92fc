"""The event section: what comes in, who is told, and that nothing counts twice."""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.subscription import Arrived
from apps.engine.testing import Bench
from apps.engine.trigger import UnknownWorkflow
from apps.modules.queries import registry

pytestmark = [pytest.mark.spec("CAT-B2", "CAT-B2.5"), pytest.mark.spec("D21"), pytest.mark.spec("event.processor")]

TEXT = """
modules:
- {name: bus, type: messaging.broker}
- {name: watch, type: event.processor, config: {bufferSize: 5}}
- {name: guard, type: messaging.handler}
- {name: shape, type: data.transformer}
workflows:
  event:
    processor: watch
    patterns:
    - {patternId: thrice, eventTypes: [login.failed], windowTime: 5m, condition: count, minOccurs: %s}
    - {patternId: fall, eventTypes: [db, api], windowTime: 2m, condition: sequence, orderMatters: true}
    - {patternId: any, eventTypes: [sys], windowTime: 1m, minOccurs: 2.0}
    handlers:
    - {patternId: thrice, handler: guard}
    - {patternId: fall, handler: told}
    - {patternId: any, handler: guard}
    adapters:
    - {broker: bus, topics: [login.failed, "login.*"], eventType: sec, sourceIdKey: user, correlIdKey: session}
    - {broker: bus, topics: [db, api, misc], eventType: sys, correlIdKey: trace}
  pipelines:
    told: {steps: [{emit: told.of}]}
  messaging:
    subscriptions: [{topic: nothing, handler: guard}]
    producers: [{name: guard, forwardTo: [guarded]}]
"""


@pytest.fixture
async def bench():
    async with Bench(compile_document(load(TEXT % 3).document, registry())) as made:
        yield made


async def publish(bench, topic, payload, scope="local"):
    async with bench.host.unit(scope) as unit:
        identity = unit.broker.publish(topic, payload)
    await bench.host.drain()
    return str(identity)


def matches(bench, scope="local"):
    return [(run["action"], run["status"]) for run in bench.host.queue.runs(scope, source="event")]


async def test_the_third_failed_login_of_a_session_tells_the_guard_once(bench):
    for _ in range(4):
        await publish(bench, "login.failed", {"session": "s", "user": "u"})
        await publish(bench, "login.failed", {"session": "other"})
    assert matches(bench) == [("thrice -> guard", "done")] * 2
    run = bench.host.queue.runs("local", source="event")[0]
    assert (run["section"], run["workflow"], run["correlation"]) == ("event", "watch", "s")
    (forwarded, _) = bench.host.queue.messages("local", "guarded")
    assert forwarded["payload"] == {"patternId": "thrice", "eventsCount": 3}
    assert bench.host.bugs == []


async def test_what_is_older_than_the_window_does_not_count(bench):
    for pause in (0, 200, 200):
        bench.clock.advance(pause)
        await publish(bench, "login.failed", {"session": "s"})
    assert matches(bench) == []


async def test_a_handler_that_is_no_message_handler_gets_the_events(bench):
    await publish(bench, "db", {"trace": "t", "n": 1})
    await publish(bench, "api", {"trace": "t", "n": 2})
    (told,) = bench.host.queue.messages("local", "told.of")
    found = told["payload"]
    assert (found["patternId"], found["eventsCount"], found["processor"]) == ("fall", 2, "watch")
    assert (found["correlationId"], [event["data"]["n"] for event in found["events"]]) == ("t", [1, 2])
    assert found["events"][0]["types"] == ["db", "sys"]


async def test_events_out_of_order_tell_nobody(bench):
    await publish(bench, "api", {"trace": "t"})
    bench.clock.advance(70)
    await publish(bench, "db", {"trace": "t"})
    assert matches(bench) == []


async def test_an_event_counts_under_its_own_type_its_topic_and_its_adapter_s(bench):
    for own in ({"type": "login.failed"}, {"eventType": "login.failed"}):
        await publish(bench, "misc", {"trace": "x", **own})
    await publish(bench, "misc", {"trace": "x"})
    assert matches(bench) == [("any -> guard", "done")]
    await publish(bench, "misc", {"trace": "x", "type": "login.failed"})
    assert [action for action, _ in matches(bench)] == ["any -> guard", "thrice -> guard", "any -> guard"]


async def test_a_message_of_two_topics_of_the_section_is_one_event(bench):
    for _ in range(2):
        await publish(bench, "login.failed", {"session": "s"})
    runs = bench.host.queue.runs("local", source="message")
    assert len(runs) == 2
    assert matches(bench) == []


async def test_a_message_that_is_judged_again_counts_once(bench):
    identity = await publish(bench, "login.failed", {"session": "s"})
    run = bench.host.application().subscriptions_for("login.failed")[0]
    for _ in range(3):
        await bench.host.start_run(run.starts(Arrived(identity, "login.failed", {"session": "s"})))
    await bench.host.drain()
    assert matches(bench) == []
    last = bench.host.queue.runs("local")[-1]
    assert "judged before" in last["steps"][0]["logs"][0]["message"]


async def test_a_message_that_waited_until_nobody_listened_to_its_topic_is_told_and_not_judged(bench):
    waiting = bench.host.application().subscriptions_for("db")[0].starts(Arrived("m-1", "gone", {"trace": "t"}))
    await bench.host.start_run(waiting)
    await bench.host.drain()
    (run,) = bench.host.queue.runs("local")
    assert (run["status"], run["output"]["processed"]) == ("done", False)
    assert "any more" in run["steps"][0]["logs"][0]["message"]
    assert bench.host.bugs == []


async def test_two_tenants_with_the_same_correlation_id_never_mix(bench):
    bench.host.deploy(bench.host.application(), "other")
    for scope in ("local", "other", "local"):
        await publish(bench, "login.failed", {"session": "s"}, scope)
    assert (matches(bench), matches(bench, "other")) == ([], [])
    await publish(bench, "login.failed", {"session": "s"})
    assert (matches(bench), matches(bench, "other")) == ([("thrice -> guard", "done")], [])


@pytest.mark.parametrize("payload", ["no json", [1], 5, None])
@pytest.mark.shows("event.processor", "failure")
async def test_a_message_that_is_no_object_is_refused_with_a_reason(bench, payload):
    await publish(bench, "login.failed", payload)
    (run,) = bench.host.queue.runs("local")
    assert (run["status"], run["error"]["code"]) == ("failed", "message.not_an_object")


async def test_a_text_that_holds_an_object_is_one(bench):
    for _ in range(3):
        await publish(bench, "login.failed", '{"session": "s"}')
    assert matches(bench) == [("thrice -> guard", "done")]


@pytest.mark.shows("event.processor", "failure")
async def test_a_full_buffer_says_what_it_forgot():
    async with Bench(compile_document(load(TEXT % 9).document, registry())) as bench:
        for _ in range(6):
            await publish(bench, "login.failed", {"session": "s"})
        logs = [run["steps"][0]["logs"] for run in bench.host.queue.runs("local")]
        assert logs[:5] == [[]] * 5
        assert (logs[5][0]["level"], "1 events were forgotten" in logs[5][0]["message"]) == ("warning", True)


@pytest.mark.parametrize(
    ("workflow", "action", "data"),
    [
        ("event", "watch", {}),
        ("event", "watch:thrice", {}),
        ("event", "", {"processor": "watch"}),
        ("event", "other", {"processor": "watch"}),
        ("watch", "whatever", {}),
    ],
)
async def test_an_action_reports_an_event_and_answers_with_what_it_was(bench, workflow, action, data):
    given = {"eventType": "login.failed", "userId": 7, "correlationId": "c", **data}
    for _ in range(3):
        await bench.host.start_run(bench.host.application().resolve(workflow, action, given))
    await bench.host.drain()
    run = bench.host.queue.runs("local")[0]
    assert run["output"] == {
        "success": True,
        "eventType": "login.failed",
        "sourceId": "7",
        "correlId": "c",
        "processed": True,
    }
    assert (run["section"], run["workflow"], run["action"]) == ("event", "watch", action)
    assert matches(bench) == [("thrice -> guard", "done")]


async def test_an_event_without_a_type_is_a_custom_one(bench):
    await bench.host.start_run(bench.host.application().resolve("event", "watch", {"type": "", "id": "i"}))
    await bench.host.drain()
    (run,) = bench.host.queue.runs("local")
    assert (run["output"]["eventType"], run["output"]["sourceId"]) == ("custom.event", "i")


def test_an_action_that_names_another_processor_is_unknown(bench):
    with pytest.raises(UnknownWorkflow, match="other"):
        bench.host.application().resolve("event", "other:thrice", {})


def test_all_topics_of_the_section_are_one_queue_with_a_lane_per_correlation_id(bench):
    found = [each for each in bench.host.application().subscriptions if each.handler == "watch"]
    assert {each.name for each in found} == {"event section: watch"}
    keys = {each.topic: each.key({"session": "s", "trace": "t", "user": "u"}, None) for each in found}
    assert keys == {"login.failed": "s", "login.*": "s", "db": "t", "api": "t", "misc": "t"}
    assert found[0].key({"user": "u"}, None) == "u"


@pytest.mark.spec("D23")
async def test_a_handler_may_publish_the_very_event_that_it_was_told_of():
    text = TEXT.replace("emit: told.of", "emit: db, payload: {trace: again}") % 3
    async with Bench(compile_document(load(text).document, registry())) as bench:
        await publish(bench, "db", {"trace": "t"})
        await publish(bench, "api", {"trace": "t"})
        assert [message["payload"]["trace"] for message in bench.host.queue.messages("local", "db")] == ["t", "again"]
        assert ("fall -> told", "done") in matches(bench)


async def test_the_section_tells_of_its_runs_with_its_processor():
    text = TEXT.replace("{topic: nothing, handler: guard}", "{topic: workflow.event.*, handler: heard}") % 3
    text = text.replace("- {name: shape,", "- {name: heard, type: messaging.handler}\n- {name: shape,")
    async with Bench(compile_document(load(text).document, registry())) as bench:
        await publish(bench, "db", {"trace": "t"})
        await publish(bench, "login.failed", "no object")
        told = [
            (message["topic"], message["payload"].get("workflow"), message["payload"]["action"])
            for message in bench.host.queue.messages("local")
            if message["topic"].startswith("workflow.event")
        ]
        assert told == [("workflow.event.started", "watch", "db"), ("workflow.event.completed", "watch", "db")]
