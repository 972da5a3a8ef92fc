"""Brokers outside: what of a document goes to them, what comes from them, and what stays on the bus."""

from uuid import UUID

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.run.retry import pause_seconds
from apps.engine.sections.outside import PATIENCE
from apps.engine.testing import Bench
from apps.engine.wires import MESSAGE_ID, WireMessage
from apps.modules.queries import registry
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2", "messaging.nats")

DOCUMENT = """
modules:
- {name: far.post, type: messaging.nats, config: {url: "nats://broker.example"}}
- {name: inbox, type: messaging.handler}
- {name: audit, type: messaging.handler}
- {name: engine, type: statemachine.engine}
workflows:
  messaging:
    subscriptions:
    - {topic: parcels.*, handler: inbox}
    - {topic: statemachine.lamp.on, handler: audit}
    producers:
    - {name: inbox, forwardTo: [counted, counted-errors]}
  pipelines:
    announce:
      steps:
      - {emit: "parcels.new", key: "${data.number}"}
  statemachine:
    engine: engine
    definitions:
    - name: lamp
      initialState: off
      states: {off: {}, on: {}}
      transitions: {on: {fromState: off, toState: on}}
"""


def compiled(text=DOCUMENT):
    return compile_document(load(text).document, registry())


def sent(bench):
    return [(message.topic, message.body, message.key) for _, message in bench.wires.sent]


def runs(bench, workflow):
    return [run for run in bench.host.queue.runs("local") if run["workflow"] == workflow]


async def start(bench, workflow, action, data):
    run = await bench.host.start_run(bench.host.application().resolve(workflow, action, data))
    await bench.settle()
    return bench.host.queue.run("local", run)


async def line_of(bench, count=1):
    """Begin to listen and return the first line."""
    bench.host.feeds.start()
    return (await wait_for_async(lambda: _lines(bench, count), what="a line"))[0]


async def _lines(bench, count):
    return bench.wires.lines if len(bench.wires.lines) == count else []


async def deliver(bench, line, *messages):
    line.waiting.put_nowait(list(messages))
    await line.waiting.join()
    await bench.settle()


async def test_what_a_document_publishes_goes_to_its_broker_and_nowhere_else():
    async with Bench(compiled()) as bench:
        await start(bench, "announce", "", {"number": "7"})
        assert sent(bench) == [("parcels.new", b'{"number":"7"}', "7")]
        assert runs(bench, "inbox") == []
        (message,) = bench.host.queue.messages("local")
        assert bench.wires.sent[0][1].headers[MESSAGE_ID] == message["id"]


async def test_what_comes_from_the_broker_runs_the_handlers_and_is_told_to_be_kept():
    async with Bench(compiled()) as bench:
        line = await line_of(bench)
        assert line.topics == ("parcels.*",)
        await deliver(bench, line, WireMessage("parcels.new", b'{"n":1}'), WireMessage("elsewhere", b"{}"))
        (run,) = runs(bench, "inbox")
        assert (run["input"], run["action"], run["status"]) == ({"n": 1}, "parcels.new", "done")
        assert line.settled == 1
        assert sent(bench) == [("counted", b'{"n":1}', None)]


async def test_what_is_delivered_again_is_taken_in_once():
    async with Bench(compiled()) as bench:
        line = await line_of(bench)
        for place, identity in (("s/1", "m"), ("s/2", "m"), ("s/3", ""), ("s/3", ""), ("", ""), ("", "")):
            headers = {MESSAGE_ID: identity} if identity else {}
            await deliver(bench, line, WireMessage("parcels.new", b"1", headers=headers, place=place))
        assert len(runs(bench, "inbox")) == 4


async def test_a_broker_that_is_away_is_waited_for_and_the_id_stays():
    async with Bench(compiled()) as bench:
        bench.wires.script += [TryAgain("away", code="broker.unreachable")] * 200
        await start(bench, "announce", "", {"number": "7"})
        assert sent(bench) == [("parcels.new", b'{"number":"7"}', "7")]
        assert (bench.clock.monotonic() > 3600, len(runs(bench, "far.post"))) == (True, 1)


def test_a_broker_that_is_away_is_waited_for_a_day_whatever_the_pauses_fall_out_like():
    for number in range(40):
        step = UUID(int=number)
        waited = sum(pause_seconds(PATIENCE, step, attempt) for attempt in range(1, PATIENCE.attempts))
        assert 24 * 3600 < waited < 26 * 3600


async def test_a_broker_that_is_away_for_a_night_gets_the_message_then():
    async with Bench(compiled()) as bench:
        bench.wires.script += [TryAgain("away", code="broker.unreachable")] * 1_100
        await start(bench, "announce", "", {"number": "7"})
        assert sent(bench) == [("parcels.new", b'{"number":"7"}', "7")]
        assert bench.clock.monotonic() > 8 * 3600


async def test_messages_of_one_key_wait_for_each_other_and_a_refused_one_is_a_failed_run():
    async with Bench(compiled()) as bench:
        bench.wires.script.append(StepFailed("no", code="broker.refused"))
        async with bench.host.unit() as unit:
            for number in (1, 2, 3):
                unit.broker.publish("parcels.new", number, key="k")
        await bench.settle()
        assert [body for _, body, _ in sent(bench)] == [b"2", b"3"]
        assert [run["status"] for run in runs(bench, "far.post")] == ["failed", "done", "done"]


async def test_what_cannot_be_read_is_a_failed_run_and_the_next_message_comes():
    text = DOCUMENT.replace("type: messaging.nats", "type: messaging.kafka").replace('url: "nats://', 'brokers: "')
    async with Bench(compiled(text), secrets={"ENCRYPTION_KEY": "k"}) as bench:
        line = await line_of(bench)
        sealed = WireMessage("parcels.new", b'{"_encrypted":"enc::AAAA"}', place="1")
        await deliver(bench, line, sealed, WireMessage("parcels.new", b"2", place="2"))
        (refused,) = runs(bench, "far.post")[:1]
        assert (refused["status"], refused["error"]["code"]) == ("failed", "broker.undecipherable")
        assert [run["input"] for run in runs(bench, "inbox")] == [2]
        assert (line.group, line.settled) == ("workflow-group", 1)


async def test_events_of_the_product_come_from_the_bus_all_the_same():
    async with Bench(compiled()) as bench:
        await start(bench, "lamp", "on", {"id": "1"})
        assert [run["input"]["transitionId"] for run in runs(bench, "audit")] == ["on"]
        assert sent(bench) == []


async def test_an_event_trigger_hears_the_broker():
    trigger = "triggers: {event: {subscriptions: [{topic: orders, workflow: announce, action: go}]}}"
    async with Bench(compiled(DOCUMENT + trigger)) as bench:
        line = await line_of(bench)
        assert line.topics == ("parcels.*", "orders")
        await deliver(bench, line, WireMessage("orders", b'{"number":"9"}'))
        assert [(topic, key) for topic, _, key in sent(bench)] == [("parcels.new", "9")]


TWO = DOCUMENT.replace("modules:\n", "modules:\n- {name: near, type: messaging.broker}\n", 1).replace(
    "  messaging:\n", "  messaging:\n    broker: %s\n", 1
)


@pytest.mark.parametrize(
    ("broker", "action", "outside"),
    [
        ("near", "parcels.new", False),
        ("near", "far.post:parcels.new", True),
        ("far.post", "parcels.new", True),
        ("far.post", "near:parcels.new", False),
        ("far.post", "far.post.producer:parcels.new", True),
    ],
)
async def test_of_two_brokers_the_section_names_the_usual_one_and_a_trigger_may_name_the_other(broker, action, outside):
    async with Bench(compiled(TWO % broker)) as bench:
        ended = await start(bench, "messaging", action, {"message": 1})
        assert ended["status"] == "done"
        assert sent(bench) == ([("parcels.new", b"1", None)] if outside else [])
        assert len(runs(bench, "inbox")) == (broker == "near" and not outside)
        assert bool(bench.host.application().feeds) == (broker == "far.post")


async def test_a_line_that_breaks_is_opened_again():
    async with Bench(compiled()) as bench:
        bench.wires.script += [TryAgain("away"), ValueError("a fault of ours")]
        line = await line_of(bench)
        await deliver(bench, line, WireMessage("parcels.new", b"1"))
        assert len(runs(bench, "inbox")) == 1


async def test_a_new_version_leaves_no_line_of_the_old_one():
    async with Bench(compiled()) as bench:
        old = await line_of(bench)
        bench.host.deploy(compiled(DOCUMENT.replace("parcels.*", "letters.*")))
        new = await wait_for_async(lambda: _others(bench, old), what="the new line")
        assert [line.topics for line in new] == [("letters.*",)]
        bench.host.deploy(compiled(DOCUMENT.replace("parcels.*", "statemachine.x")))
        assert await wait_for_async(lambda: _none(bench), what="no line")


async def _others(bench, old):
    return [] if old in bench.wires.lines else list(bench.wires.lines)


async def _none(bench):
    return bench.wires.lines == []


async def test_a_store_that_fails_leaves_the_message_with_the_broker():
    async with Bench(compiled()) as bench:
        line = await line_of(bench)
        bench.host.store.run("drop table arrival")
        line.waiting.put_nowait([WireMessage("parcels.new", b"1", place="1")])
        await wait_for_async(lambda: _others(bench, line) or _none(bench), what="the line's end")
        assert (line.settled, runs(bench, "inbox")) == (0, [])


async def test_two_scopes_hear_their_own_lines():
    async with Bench() as bench:
        bench.host.deploy(compiled(), "ann")
        bench.host.deploy(compiled(), "bob")
        line = await line_of(bench, 2)
        line.waiting.put_nowait([WireMessage("parcels.new", b"1")])
        await line.waiting.join()
        await bench.settle()
        found = {scope: [run["workflow"] for run in bench.host.queue.runs(scope)] for scope in ("ann", "bob")}
        assert sorted(map(len, found.values())) == [0, 2]
        assert {line.group for line in bench.wires.lines} == {"weft-ann-far.post", "weft-bob-far.post"}
