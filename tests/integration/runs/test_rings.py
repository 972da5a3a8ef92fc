"""What goes round on a tenant's bus comes to an end and is seen to have, in the hosted product; others go on.

The rings begin `LEFT` passages before the end, as the run does that has come so far.
"""

import pytest

from apps.engine.hops import MOST_DEEP, Way
from apps.engine.ids import uuid7
from apps.runs.adapters.unit import HostedUnit
from apps.runs.operations.messages import dead_letter_replay
from apps.runs.queries.messages import dead_letter_list
from apps.runs.queries.runs import run_get, run_list
from tests.support.runs import the
from tests.support.serving import deployed, request
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2")

LEFT = 6
RING = """
modules:
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: engine, type: statemachine.engine}
workflows:
  http: {routes: [{method: POST, path: /begin, handler: again}]}
  messaging: {subscriptions: [{topic: ring.%(of)s, handler: again%(order)s}]}
  pipelines:
    again: {steps: [{if: "data.left > 0", then: [{emit: ring.%(to)s, payload: {left: "${data.left - 1}"}}]}]}
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
EVER = {"left": 10**9}


def ring(of="a", to="a", order=""):
    return RING % {"of": of, "to": to, "order": order}


async def late(worker, tenant, workflow, *, message=None, run=None):
    """Let work that stands `LEFT` passages before the end publish a message or start a run."""
    services = worker.services
    place = await services.live_place(tenant.id, tenant.environments["prod"].id, workflow.id)
    unit = HostedUnit(services, place, uuid7(), way=Way(depth=MOST_DEEP - LEFT))
    if message is not None:
        unit.broker.publish(*message)
    if run is not None:
        unit.runs.start(place.application.resolve(*run))
    await unit.commit()
    worker.ring()


async def failed(tenant):
    """Return the failed runs of a tenant, once there is one."""

    async def look():
        return [run for run in (await the(tenant, run_list)).items if run["state"] == "failed"]

    found = await wait_for_async(look, timeout=30, what="the end of the ring")
    return [await the(tenant, run_get, run_id=run["id"]) for run in found]


async def of_source(tenant, source):
    return [run for run in (await the(tenant, run_list)).items if run["source"] == source]


@pytest.mark.parametrize("order", ["", ", ordering: none"])
async def test_a_handler_that_publishes_to_what_it_hears_ends_as_a_dead_letter_and_nobody_else_does(
    two_tenants, ingress, worker, order
):
    tenant, other = two_tenants
    mine, _ = [await deployed(each, "ring", ring(order=order)) for each in two_tenants]
    await late(worker, tenant, mine, message=("ring.a", EVER))
    assert (await request(ingress, "POST", f"/w/{other.slug}/ring/begin", {"left": 2 * LEFT})).status == 200
    (end,) = await failed(tenant)
    assert (end["source"], end["error"]["code"]) == ("message", "message.loop")
    assert [run["state"] for run in await of_source(tenant, "message")] == ["failed"] + ["done"] * LEFT
    (letter,) = (await the(tenant, dead_letter_list)).items
    assert (letter["run_id"], letter["error"]["code"]) == (end["id"], "message.loop")

    async def all_done():
        runs = await of_source(other, "message")
        return len(runs) == 2 * LEFT and {run["state"] for run in runs} == {"done"}

    await wait_for_async(all_done, timeout=30, what="the other tenant's messages")
    assert (await the(other, dead_letter_list)).items == []


async def test_a_dead_letter_of_a_ring_that_is_sent_again_is_one_again(two_tenants, worker):
    tenant, _ = two_tenants
    mine = await deployed(tenant, "ring", ring())
    await late(worker, tenant, mine, message=("ring.a", EVER))
    await failed(tenant)
    (letter,) = (await the(tenant, dead_letter_list)).items
    await the(tenant, dead_letter_replay, delivery_id=letter["id"], actor=tenant.actor)

    async def again():
        return [run for run in await of_source(tenant, "message") if run["state"] == "failed"][1:]

    await wait_for_async(again, timeout=30, what="the second end")
    assert len(await of_source(tenant, "message")) == LEFT + 2


async def test_two_workflows_that_answer_each_other_end_together(two_tenants, worker):
    tenant, other = two_tenants
    await deployed(other, "one", ring(of="a", to="b"))
    one = await deployed(tenant, "one", ring(of="a", to="b"))
    await deployed(tenant, "two", ring(of="b", to="a"))
    await late(worker, tenant, one, message=("ring.b", EVER))
    assert [run["error"]["code"] for run in await failed(tenant)] == ["message.loop"]
    assert len(await of_source(tenant, "message")) == LEFT + 1
    assert await of_source(other, "message") == []


async def test_a_machine_that_goes_round_by_itself_ends_as_a_failed_run(two_tenants, worker):
    tenant, other = two_tenants
    mine, _ = [await deployed(each, "ring", ring()) for each in two_tenants]
    await late(worker, tenant, mine, run=("wheel", "fall", {"id": "w"}))
    (end,) = await failed(tenant)
    assert (end["source"], end["error"]["code"], end["input"]) == (
        "auto",
        "run.loop",
        {"instanceId": "w", "state": "up"},
    )
    assert len((await the(tenant, run_list)).items) == LEFT + 1
    assert (await the(other, run_list)).items == []
