"""What goes round on the bus of one owner comes to an end, and is seen to have; what ends by itself is left alone.

The rings here begin `LEFT` passages before the end; one that begins at a request is in tests/acceptance/wfctl.
"""

import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.hops import MOST_DEEP, Way
from apps.engine.testing import Bench
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("CAT-B2")

LEFT = 10
ECHO = """
modules:
- {name: broker, type: messaging.broker}
workflows:
  messaging:
    subscriptions:
    - {topic: %(of)s, handler: again%(order)s}
    - {topic: workflow.messaging.failed, handler: told}
  pipelines:
    again:
      steps:
      - if: "left > 0"
        then: [{emit: "%(to)s", payload: {left: "${data.left - 1}"}}]
    told: {steps: [{emit: "%(of)s", payload: {left: 5}}]}
"""
WHEEL = """
modules:
- {name: engine, type: statemachine.engine}
workflows:
  statemachine:
    engine: engine
    definitions:
    - name: wheel
      initialState: up
      states: {up: {}, down: {}}
      transitions:
        fall: {fromState: up, toState: down, autoTransform: true}
        rise: {fromState: down, toState: up, autoTransform: true}
"""
PATTERN = """
modules:
- {name: broker, type: messaging.broker}
- {name: watch, type: event.processor}
workflows:
  event:
    processor: watch
    patterns: [{patternId: one, eventTypes: [tick], windowTime: 1h, condition: count, minOccurs: 1}]
    handlers: [{patternId: one, handler: say}]
    adapters: [{broker: broker, topics: [tick], eventType: tick, correlIdKey: session}]
  pipelines:
    say: {steps: [{emit: tick, payload: {session: s}}]}
"""
MACHINE = """
modules:
- {name: broker, type: messaging.broker}
- {name: engine, type: statemachine.engine}
workflows:
  statemachine:
    engine: engine
    definitions:
    - name: clock
      initialState: idle
      states: {idle: {}, ticking: {}}
      transitions: {tick: {fromState: ticking, toState: ticking}, start: {fromState: idle, toState: ticking}}
triggers:
  event:
    subscriptions: [{topic: "statemachine.clock.*", workflow: clock, action: tick, params: {id: c}}]
"""


def compiled(text):
    return compile_document(load(text).document, registry())


def echo(of, to, order=""):
    return compiled(ECHO % {"of": of, "to": to, "order": order})


async def late(bench, scope="local", *, message=None, run=None, left=LEFT):
    """Let work that stands `left` passages before the end publish a message or start a run, and see what follows."""
    unit = bench.host.new_unit(scope, way=Way(depth=MOST_DEEP - left))
    if message is not None:
        unit.broker.publish(*message)
    if run is not None:
        unit.runs.start(bench.host.application(scope).resolve(*run))
    bench.host.commit(unit)
    unit.release()
    await bench.settle()


def ends(bench, scope="local"):
    return [run for run in bench.host.queue.runs(scope) if run["status"] == "failed"]


def codes(bench, *scopes):
    return [run["error"]["code"] for scope in scopes for run in ends(bench, scope)]


@pytest.mark.parametrize("order", ["", ", ordering: none"])
async def test_a_handler_that_publishes_to_what_it_hears_ends_and_nobody_else_does(order):
    async with Bench() as here:
        for scope in ("ring", "other"):
            here.host.deploy(echo("a", "a", order), scope)
        await late(here, "ring", message=("a", {"left": 10**9}))
        await late(here, "other", message=("a", {"left": LEFT - 1}))
        (end,) = ends(here, "ring")
        assert (end["error"]["code"], end["source"], end["action"]) == ("message.loop", "message", "a")
        assert len(here.host.queue.messages("ring", "a")) == LEFT + 1
        assert [run["status"] for run in here.host.queue.runs("ring")] == ["done"] * LEFT + ["failed"]
        assert (ends(here, "other"), len(here.host.queue.messages("other"))) == ([], LEFT)


async def test_a_message_that_a_person_sends_begins_anew():
    async with Bench(echo("a", "a")) as here:
        await late(here, message=("a", {"left": 10**9}))
        async with here.host.unit() as unit:
            unit.broker.publish("a", {"left": 2 * LEFT})
        await here.settle()
        assert codes(here, "local") == ["message.loop"]
        assert len(here.host.queue.messages("local", "a")) == LEFT + 1 + 2 * LEFT + 1


async def test_two_documents_that_answer_each_other_end_together():
    async with Bench() as here:
        here.host.deploy(echo("a", "b"), "one")
        here.host.deploy(echo("b", "a"), "two")
        here.host.joined.join(["one", "two"], [])
        await late(here, "one", message=("b", {"left": 10**9}))
        assert codes(here, "one", "two") == ["message.loop"]
        said = [len(here.host.queue.messages(*place)) for place in (("one", "b"), ("two", "a"))]
        assert said == [LEFT / 2 + 1, LEFT / 2]


async def test_a_pattern_whose_handler_makes_it_match_again_ends():
    async with Bench(compiled(PATTERN)) as here:
        await late(here, message=("tick", {"session": "s"}))
        # A passage is a message, and the run of a match that it starts.
        assert codes(here, "local") == ["message.loop"]
        assert len(here.host.queue.messages("local", "tick")) == LEFT / 2 + 1


async def test_a_machine_that_hears_its_own_transitions_ends():
    async with Bench(compiled(MACHINE)) as here:
        await late(here, run=("clock", "start", {"id": "c"}))
        assert codes(here, "local") == ["message.loop"]
        assert len(here.host.queue.messages("local")) == LEFT


@pytest.mark.parametrize(("left", "last"), [(LEFT, "up"), (LEFT - 1, "down")])
async def test_a_machine_that_goes_round_by_itself_ends_where_it_stands(left, last):
    async with Bench(compiled(WHEEL)) as here:
        await late(here, run=("wheel", "fall", {"id": "w"}), left=left)
        assert codes(here, "local") == ["run.loop"]
        assert [run["status"] for run in here.host.queue.runs("local")] == ["done"] * left + ["failed"]
        async with here.host.unit() as unit:
            assert (await unit.instances.get("wheel", "w")).state == last
