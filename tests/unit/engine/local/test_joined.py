"""Joined scopes are workflows of one environment: they hear one another, and links lead from one to the other."""

import pytest

from apps.engine.hops import MOST_HOPS, Way
from apps.engine.links.following import Link
from apps.engine.local.joined import LocalLink
from apps.engine.ports import NewRun
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.8")

SOURCE = """
modules:
- {name: server, type: http.server}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: engine, type: statemachine.engine}
workflows:
  http:
    routes:
    - {method: POST, path: /say, handler: say}
  statemachine:
    engine: engine
    definitions:
    - name: lamp
      initialState: "off"
      states: {"off": {}, "on": {}}
      transitions: {light: {fromState: "off", toState: "on"}}
  pipelines:
    note: {steps: [{set: {noted: true}}]}
    say:
      steps:
      - {emit: order.validated, payload: "${data}", key: "${data.id}"}
"""
TARGET = """
modules:
- {name: broker, type: messaging.broker}
workflows:
  messaging:
    subscriptions:
    - {topic: order.validated, handler: hear}
    - {topic: workflow.pipelines.completed, handler: hear}
  pipelines:
    take: {steps: [{set: {taken: true}}]}
    hear: {steps: [{set: {heard: true}}]}
"""
SILENT = """
modules:
- {name: server, type: http.server}
"""
ORDER = {"id": "o-1"}


def link(kind, pattern, action="", *, source="desk", target="store", name="one", params=None):
    return LocalLink(Link(name, source, kind, action, params), target, pattern)


def joined(*links, target=TARGET):
    """Return a host with two joined scopes, and a third that stands apart."""
    bench = Bench()
    for scope, text in (("desk", SOURCE), ("store", target), ("apart", TARGET)):
        bench.host.deploy(compiled(text), scope)
    bench.host.joined.join(["desk", "store"], links)
    return bench


async def say(bench):
    assert (await bench.request("POST", "/say", body=ORDER, scope="desk")).status == 200
    await bench.settle()


def runs(bench, scope, source):
    rows = bench.host.queue.runs(scope, source=source)
    return [(run["workflow"], run["action"], run["status"]) for run in rows]


def topics(bench, scope):
    return [message["topic"] for message in bench.host.queue.messages(scope)]


async def test_joined_scopes_hear_one_another_and_others_hear_nothing():
    async with joined() as here:
        await say(here)
        assert runs(here, "store", "message") == [("hear", "order.validated", "done")]
        assert runs(here, "apart", "message") == []
        assert (topics(here, "desk"), topics(here, "store")) == (["order.validated"], [])


async def test_a_link_starts_a_run_with_what_happened_where_and_its_own_params():
    async with joined(link("event_trigger", "order.*", "take", params={"by": "link"})) as here:
        await say(here)
        (run,) = here.host.queue.runs("store", source="link")
        told = {"source_workflow_id": "desk", "event_type": "order.validated", "event_data": ORDER, "by": "link"}
        assert (run["workflow"], run["status"], run["input"]) == ("take", "done", ORDER | told)


async def test_lifecycle_events_and_transitions_are_told_for_a_link_alone():
    links = [
        link("event_trigger", "workflow.http.completed", "take", name="a"),
        link("event_trigger", "statemachine.lamp.*", "take", name="b"),
    ]
    async with joined(*links) as here:
        await say(here)
        run = here.host.application("desk").resolve("lamp", "light", {"id": "l-1"})
        await here.host.start_run(run, "desk")
        await here.settle()
        found = [run["input"]["event_type"] for run in here.host.queue.runs("store", source="link")]
        assert found == ["workflow.http.completed", "statemachine.lamp.light"]
        assert topics(here, "desk") == ["order.validated", "workflow.http.completed", "statemachine.lamp.light"]


async def test_a_run_over_a_link_has_lifecycle_events_and_what_goes_round_over_them_ends():
    links = [
        link("event_trigger", "order.*", "take", name="there"),
        link("event_trigger", "workflow.pipelines.completed", "say", source="store", target="desk", name="back"),
    ]
    async with joined(*links) as here:
        await say(here)
        assert runs(here, "desk", "link") == [("say", "", "done")]
        (ended,) = [run for run in here.host.queue.runs("store") if run["status"] == "failed"]
        assert (ended["workflow"], ended["error"]["code"]) == ("link desk -> store", "link.loop")
        assert ("hear", "workflow.pipelines.completed", "done") in runs(here, "store", "message")


async def test_links_that_hear_everything_of_each_other_come_to_an_end():
    links = [
        link("event_trigger", "**", "take", name="there"),
        link("event_trigger", "**", "note", source="store", target="desk", name="back"),
    ]
    async with joined(*links) as here:
        await say(here)
        rows = here.host.queue.runs("desk") + here.host.queue.runs("store")
        assert {run["error"]["code"] for run in rows if run["status"] == "failed"} == {"link.loop"}
        assert {run["status"] for run in rows} == {"done", "failed"}


async def test_more_than_sixteen_links_are_not_followed():
    links = [link("event_forward", "order.validated", "hop.0", name="first")]
    for hop in range(MOST_HOPS + 1):
        ends = {"source": "store", "target": "desk"} if hop % 2 == 0 else {"source": "desk", "target": "store"}
        links.append(link("event_forward", f"hop.{hop}", f"hop.{hop + 1}", name=f"hop{hop}", **ends))
    async with joined(*links) as here:
        await say(here)
        scopes = ("desk", "store")
        hops = [topic for scope in scopes for topic in topics(here, scope) if topic.startswith("hop")]
        assert len(hops) == MOST_HOPS
        errors = [run["error"] for scope in scopes for run in here.host.queue.runs(scope)]
        assert [error["code"] for error in errors if error] == ["link.loop"]


async def test_a_forward_under_its_own_topic_is_not_heard_again_and_has_no_lifecycle_events():
    links = [
        link("event_forward", "order.validated"),
        link("event_trigger", "workflow.**", "note", source="store", target="desk", name="back"),
    ]
    async with joined(*links) as here:
        await say(here)
        assert topics(here, "store").count("order.validated") == 1
        assert runs(here, "store", "message").count(("hear", "order.validated", "done")) == 1
        told = [run["input"]["event_data"]["workflow"] for run in here.host.queue.runs("desk", source="link")]
        assert told == ["hear", "hear"]


async def test_what_cannot_be_done_at_the_target_is_a_failed_run_there():
    async with joined(link("event_trigger", "order.*", "nothing:there"), target=SILENT) as here:
        await say(here)
        (run,) = here.host.queue.runs("store")
        assert (run["status"], run["error"]["code"], run["input"]) == ("failed", "workflow.unknown", ORDER)


async def test_a_run_that_a_linked_run_starts_goes_on_with_its_links():
    back = link("event_trigger", "order.*", "hear", source="store", target="desk", name="back")
    async with joined(link("event_trigger", "order.*", "take", name="there"), back) as here:
        unit = here.host.new_unit("store", way=Way(("back",)))
        started = unit.runs.start(NewRun(entry="pipeline:take", data=ORDER, section="pipelines"))
        unit.broker.publish("order.again", ORDER)
        here.host.commit(unit)
        unit.release()
        assert here.host.queue.load(started).state.way == Way(("back",), 1)
        (run,) = here.host.queue.runs("desk")
        assert run["error"]["code"] == "link.loop"
