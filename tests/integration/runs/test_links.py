"""Links lead events of one workflow to another of the same tenant, in the same environment (spec/modules.md 11)."""

import orjson
import pytest

from apps.core.scope import scope
from apps.core.sealing import opened
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.messages import dead_letter_replay
from apps.runs.operations.runs import run_start
from apps.runs.rules.sealing import RUN_ERROR
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.links import link_delete
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import workflow_create
from tests.integration.runs.link_documents import SOURCE, TARGET, dead, link, rows, runs_of, said_by
from tests.support.serving import deployed, redeploy, request
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.8")
ORDER = {"id": "o-1", "total": 3}
BUSY = (
    "select 1 from runs_run where tenant_id = %s and state in ('running', 'waiting')"
    " union all select 1 from runs_lane where tenant_id = %s and head <= last"
)


async def joined(tenant, source, target, link_type, **config):
    return await in_thread(lambda: link(tenant, source, target, link_type, **config))


async def settled(database, tenant):
    """Wait until nothing of a tenant is under way."""
    await wait_for_async(lambda: _idle(database, tenant), timeout=20, what="the end of everything")


async def _idle(database, tenant):
    return not await in_thread(lambda: rows(database, BUSY, tenant.id, tenant.id))


async def say(ingress, tenant, workflow, order=ORDER):
    answer = await request(ingress, "POST", f"/w/{tenant.slug}/{workflow.slug}/say", order)
    assert answer.status == 202, answer.body


def codes(database, tenant):
    return [orjson.loads(opened(error, tenant.id, RUN_ERROR))["code"] for _, error in dead(database, tenant)]


@pytest.mark.parametrize("pattern", ["order.validated", "order.*", "**", "*.validated"])
async def test_an_event_that_matches_starts_a_run_at_the_target_and_others_do_not(
    database, two_tenants, ingress, worker, pattern
):
    tenant, other = two_tenants
    ends = [(await deployed(each, "source", SOURCE), await deployed(each, "target", TARGET)) for each in two_tenants]
    source, target = ends[0]
    await joined(
        tenant, source, target, "event_trigger", event_pattern=pattern, target_action="take:go", params={"by": "link"}
    )
    for each, (mine, _) in zip(two_tenants, ends, strict=True):
        await say(ingress, each, mine)
    for each in two_tenants:
        await settled(database, each)
    told = {"source_workflow_id": str(source.id), "event_type": "order.validated", "event_data": ORDER, "by": "link"}
    started = [run for run in runs_of(database, tenant, target) if run[4]["event_type"] == "order.validated"]
    assert started == [("link", "take", "go", "done", ORDER | told)]
    topics = {run[4]["event_type"] for run in runs_of(database, tenant, target)}
    assert topics == ({"order.validated"} if pattern != "**" else {
        "order.validated", "stock.low", "workflow.http.started", "workflow.http.completed",
    })  # fmt: skip
    assert runs_of(database, other, ends[1][1]) == []


@pytest.mark.parametrize(
    ("action", "machine_is_meant"),
    [("parcel:pack", True), ("parcel/pack", True), ("parcel.pack", True), ("pack", True), ("take", False)],
)
async def test_a_target_action_is_read_in_each_of_its_spellings(
    database, two_tenants, ingress, worker, action, machine_is_meant
):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    await joined(tenant, source, target, "event_trigger", event_pattern="order.*", target_action=action)
    await say(ingress, tenant, source)
    await settled(database, tenant)
    expected = ("link", "parcel", "pack", "done") if machine_is_meant else ("link", "take", "", "done")
    assert [run[:4] for run in runs_of(database, tenant, target)] == [expected]


async def test_a_forward_publishes_at_the_target_with_the_same_key_and_payload(database, two_tenants, ingress, worker):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    await joined(tenant, source, target, "event_forward", event_pattern="order.*", target_action="incoming.order")
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert said_by(database, tenant, target) == [("incoming.order", "o-1", ORDER)]
    assert [run[:2] + run[3:] for run in runs_of(database, tenant, target)] == [
        ("link", "messaging", "done", {"topic": "incoming.order", "payload": ORDER, "key": "o-1", "headers": {}}),
        ("message", "incoming.order -> take", "done", ORDER),
    ]


async def test_who_has_heard_an_event_does_not_hear_it_again_when_it_is_forwarded_as_it_is(
    database, two_tenants, ingress, worker
):
    tenant, _ = two_tenants
    hearing = TARGET.replace("incoming.order", "order.validated")
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", hearing)
    last = await deployed(tenant, "last", TARGET)
    await joined(tenant, source, target, "event_forward", event_pattern="order.*")
    await joined(tenant, target, last, "event_trigger", event_pattern="order.validated", target_action="take")
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert [run[0] for run in runs_of(database, tenant, target)].count("message") == 1
    assert said_by(database, tenant, target) == [("order.validated", "o-1", ORDER)]
    [run] = runs_of(database, tenant, last)
    assert (run[0], run[4]["source_workflow_id"]) == ("link", str(target.id))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("", ("messaging", "order.validated")),
        ("incoming.order", ("messaging", "incoming.order")),
        ("parcel:pack", ("parcel", "pack")),
        ("parcel.pack", ("parcel", "pack")),
    ],
)
async def test_a_link_in_the_original_form_triggers_what_its_action_names_and_forwards_otherwise(
    database, two_tenants, ingress, worker, action, expected
):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    await joined(tenant, source, target, "order.*", target_action=action)
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert [run[1:3] for run in runs_of(database, tenant, target) if run[0] == "link"] == [expected]


async def test_lifecycle_events_and_transitions_are_told_for_a_link_alone(database, two_tenants, ingress, worker):
    tenant, other = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    unlinked = await deployed(other, "source", SOURCE)
    await joined(tenant, source, target, "event_trigger", event_pattern="workflow.http.completed", target_action="take")
    for each, workflow in ((tenant, source), (other, unlinked)):
        await say(ingress, each, workflow)
        await settled(database, each)
    [run] = runs_of(database, tenant, target)
    assert run[4]["event_data"]["action"] == "POST /say"
    assert [topic for topic, *_ in said_by(database, other, unlinked)] == ["order.validated", "stock.low"]


async def test_what_is_lit_in_a_state_machine_reaches_the_target(database, two_tenants, worker):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    starter = await deployed(tenant, "starter", SOURCE)
    await joined(tenant, source, target, "statemachine.lamp.*", target_action="take:go")
    await joined(tenant, starter, source, "event_trigger", event_pattern="order.*", target_action="lamp:light")
    await in_thread(lambda: _publish(tenant, starter))
    await settled(database, tenant)
    assert [run[4]["event_type"] for run in runs_of(database, tenant, target)] == ["statemachine.lamp.light"]


def _publish(tenant, workflow):
    with scope(tenant.id, tenant.actor):
        run_start(
            workflow_id=workflow.id,
            environment="prod",
            workflow="messaging",
            action="order.x",
            data=ORDER,
            actor=tenant.actor,
        )


async def test_two_workflows_that_forward_to_each_other_come_to_an_end(database, two_tenants, ingress, worker):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    await joined(tenant, source, target, "event_forward", event_pattern="order.*", target_action="order.back")
    made = await joined(tenant, target, source, "event_forward", event_pattern="order.back", target_action="order.new")
    assert [finding.code for finding in made.findings] == ["link.cycle"]
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert [topic for topic, *_ in said_by(database, tenant, target)] == ["order.back"]
    assert "order.new" in [topic for topic, *_ in said_by(database, tenant, source)]
    assert codes(database, tenant) == ["link.loop"]


async def test_a_chain_of_more_than_sixteen_links_is_refused(database, two_tenants, ingress, worker):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    await joined(tenant, source, target, "event_forward", event_pattern="order.validated", target_action="hop.0")
    for hop in range(17):
        ends = (target, source) if hop % 2 == 0 else (source, target)
        await joined(
            tenant, *ends, "event_forward", event_pattern=f"hop.{hop}", target_action=f"hop.{hop + 1}"
        )  # fmt: skip
    await say(ingress, tenant, source)
    await settled(database, tenant)
    hops = [
        topic for workflow in (source, target) for topic, *_ in said_by(database, tenant, workflow) if "hop" in topic
    ]
    assert sorted(hops, key=lambda topic: int(topic[4:])) == [f"hop.{hop}" for hop in range(16)]
    assert codes(database, tenant) == ["link.loop"]


async def test_runs_that_trigger_each_other_by_their_lifecycle_end_too(database, two_tenants, ingress, worker):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    await joined(tenant, source, target, "event_trigger", event_pattern="order.*", target_action="take")
    for ends in ((target, source, "say"), (source, target, "take")):
        await joined(
            tenant, *ends[:2], "event_trigger", event_pattern="workflow.pipelines.completed", target_action=ends[2]
        )
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert set(codes(database, tenant)) == {"link.loop"}


async def test_an_event_for_a_target_that_is_not_live_is_kept_as_a_dead_letter_and_can_be_replayed(
    database, two_tenants, ingress, worker
):
    tenant, _ = two_tenants
    source = await deployed(tenant, "source", SOURCE)
    target = await in_thread(lambda: _undeployed(tenant))
    await joined(tenant, source, target, "event_trigger", event_pattern="order.*", target_action="take")
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert codes(database, tenant) == ["link.target_not_live"]
    await in_thread(lambda: _deploy_and_replay(database, tenant, target))
    await settled(database, tenant)
    assert ("link", "take", "done") in [(run[0], run[1], run[3]) for run in runs_of(database, tenant, target)]
    assert dead(database, tenant) == []


def _undeployed(tenant):
    with scope(tenant.id, tenant.actor):
        return workflow_create(
            project_id=tenant.project.id, name="Target", slug="target", text=TARGET, actor=tenant.actor
        )


def _deploy_and_replay(database, tenant, target):
    [(delivery,)] = rows(
        database, "select id from runs_delivery where tenant_id = %s and dead_at is not null", tenant.id
    )
    with scope(tenant.id, tenant.actor):
        version_publish(workflow_id=target.id, actor=tenant.actor)
        deployment_create(workflow_id=target.id, environment="prod", version=1, actor=tenant.actor)
        dead_letter_replay(delivery_id=delivery, actor=tenant.actor)


async def test_a_redeployed_target_goes_on_with_its_new_text_and_a_removed_link_is_silent(
    database, two_tenants, ingress, worker
):
    tenant, _ = two_tenants
    source, target = await deployed(tenant, "source", SOURCE), await deployed(tenant, "target", TARGET)
    made = await joined(tenant, source, target, "event_trigger", event_pattern="order.*", target_action="renamed")
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert [run[3] for run in runs_of(database, tenant, target)] == ["failed"]
    await in_thread(lambda: redeploy(tenant, target, TARGET.replace("take", "renamed")))
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert [run[1:4:2] for run in runs_of(database, tenant, target)][1:] == [("renamed", "done")]

    def remove():
        with scope(tenant.id, tenant.actor):
            link_delete(workflow_id=source.id, link_id=made.link.id, actor=tenant.actor)

    await in_thread(remove)
    await say(ingress, tenant, source)
    await settled(database, tenant)
    assert len(runs_of(database, tenant, target)) == 2
