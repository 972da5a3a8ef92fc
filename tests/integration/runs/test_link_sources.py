"""What links hear besides messages on the bus: single steps of an integration, and what goes to a broker outside."""

import pytest

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.runs import run_start
from tests.integration.runs.link_documents import TARGET, link, rows, runs_of, said_by
from tests.support.nats_server import nats_server
from tests.support.nats_streams import add_stream, messages_in, publish_raw
from tests.support.serving import deployed
from tests.support.upstream import Said, upstream
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.8")
PATIENCE = 30.0

STEPS = """
modules:
- {{name: hub, type: integration.registry}}
- {{name: bus, type: messaging.broker}}
workflows:
  integration:
    registry: hub
    connectors: [{{name: shop, type: rest, config: {{baseURL: "{url}", allowPrivateIPs: true}}}}]
    steps:
    - {{name: look-up, connector: shop, action: GET /a}}
    - {{name: pay, connector: shop, action: POST /pay}}
"""
ABROAD = """
modules:
- {{name: post, type: messaging.nats, config: {{url: "nats://{address}"}}}}
- {{name: inbox, type: messaging.handler}}
workflows:
  messaging:
    broker: post
    subscriptions:
    - {{topic: "parcels.{slug}.*", handler: inbox}}
  pipelines:
    send: {{steps: [{{emit: "parcels.{slug}.sent", payload: "${{data}}"}}]}}
"""
HOME = """
modules:
- {name: bus, type: messaging.broker}
workflows:
  pipelines:
    send: {steps: [{emit: parcel.sent, payload: "${data}"}]}
"""


@pytest.fixture(autouse=True)
def _reachable(settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]


@pytest.fixture
async def server(database):
    with nats_server() as address:
        await add_stream(address, "PARCELS", "parcels.>")
        yield address
    await in_thread(lambda: _forget_consumers(database))


def _forget_consumers(database):
    """Leave no consumers to other tests, whose workers would look for this server."""
    rows(database, "with gone as (delete from runs_consumer returning 1) select count(*) from gone")


async def start(tenant, source, workflow, data):
    def act():
        with scope(tenant.id, tenant.actor):
            run_start(
                workflow_id=source.id, environment="prod", workflow=workflow, action="", data=data, actor=tenant.actor
            )

    await in_thread(act)


async def linked(database, tenant, target, count):
    """Wait until so many runs over links have ended; return their topics and data."""

    async def ended():
        found = [run for run in await in_thread(lambda: runs_of(database, tenant, target)) if run[0] == "link"]
        return found if len(found) >= count and all(run[3] == "done" for run in found) else None

    found = await wait_for_async(ended, timeout=PATIENCE, what=f"{count} runs over a link")
    return [(run[4]["event_type"], run[4]["event_data"]) for run in found]


@pytest.mark.spec("CAT-B2.13")
async def test_steps_of_an_integration_tell_a_link_alone(database, two_tenants, worker):
    tenant, other = two_tenants
    with upstream() as shop:
        shop.say("GET /a", Said(200, {"n": 1}))
        shop.say("POST /pay", Said(500))
        source, target = (
            await deployed(tenant, "source", STEPS.format(url=shop.url)),
            await deployed(tenant, "target", TARGET),
        )
        unlinked = await deployed(other, "source", STEPS.format(url=shop.url))
        pattern = "workflow.integration.step.**"
        await in_thread(
            lambda: link(tenant, source, target, "event_trigger", event_pattern=pattern, target_action="take")
        )
        for owner, workflow in ((other, unlinked), (tenant, source)):
            await start(owner, workflow, "integration", {})
        found = await linked(database, tenant, target, 4)
    ends = ("look-up.started", "look-up.completed", "pay.started", "pay.failed")
    assert [topic for topic, _ in found] == [f"workflow.integration.step.{end}" for end in ends]
    assert found[1][1]["results"] == {"n": 1, "statusCode": 200}
    names = "select name, state from runs_step where tenant_id = %s order by run_id, position"

    async def both():
        found = await in_thread(lambda: rows(database, names, other.id))
        return found if len(found) == 2 and found[1][1] == "failed" else None

    assert await wait_for_async(both, what="the other tenant's run") == [("look-up", "done"), ("pay", "failed")]
    assert said_by(database, other, unlinked) == []


async def test_a_link_hears_what_is_published_outside_once_and_not_what_comes_from_there(
    database, two_tenants, server, worker
):
    tenant, other = two_tenants
    ends = []
    for each in two_tenants:
        text = ABROAD.format(address=server, slug=each.slug)
        ends.append((await deployed(each, "source", text), await deployed(each, "target", TARGET)))
    for each, (source, target) in zip(two_tenants, ends, strict=True):
        await in_thread(
            lambda each=each, source=source, target=target: link(
                each, source, target, "event_trigger", event_pattern="parcels.**", target_action="take"
            )
        )
    source, target = ends[0]
    await start(tenant, source, "send", {"n": 7})
    assert await linked(database, tenant, target, 1) == [(f"parcels.{tenant.slug}.sent", {"n": 7})]

    async def came_back():
        found = await in_thread(lambda: runs_of(database, tenant, source))
        return [run for run in found if run[2] == f"parcels.{tenant.slug}.back"]

    async def brought():
        await publish_raw(server, f"parcels.{tenant.slug}.back", b"1")
        return await came_back()

    await wait_for_async(brought, timeout=PATIENCE, what="what came from outside")
    assert [message.subject for message in await messages_in(server, "PARCELS")].count(
        f"parcels.{tenant.slug}.sent"
    ) == 1
    assert await linked(database, tenant, target, 1) == [(f"parcels.{tenant.slug}.sent", {"n": 7})]
    assert runs_of(database, other, ends[1][1]) == []


@pytest.mark.parametrize(("action", "topic"), [("", "parcel.sent"), ("parcels.heard", "parcels.heard")])
async def test_a_forward_goes_to_the_target_s_own_broker_under_the_same_topic_too(
    database, two_tenants, server, worker, action, topic
):
    tenant, other = two_tenants
    await add_stream(server, "PARCEL", "parcel.>")
    home = await deployed(tenant, "home", HOME)
    abroad = await deployed(tenant, "abroad", ABROAD.format(address=server, slug=tenant.slug))
    elsewhere = await deployed(other, "abroad", ABROAD.format(address=server, slug=other.slug))
    await in_thread(lambda: link(tenant, home, abroad, "event_forward", event_pattern="parcel.*", target_action=action))
    await start(tenant, home, "send", {"n": 7})
    stream = "PARCELS" if action else "PARCEL"

    async def arrived():
        return [each for each in await messages_in(server, stream) if each.subject == topic]

    (message,) = await wait_for_async(arrived, timeout=PATIENCE, what="the forwarded message")
    assert message.data == b'{"n":7}'
    assert runs_of(database, other, elsewhere) == []
