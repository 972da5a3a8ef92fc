"""Events in the product: triggers that listen, patterns that are judged once, for two tenants apart."""

import asyncio

import orjson
import psycopg
import pytest

from apps.core.scope import scope
from apps.core.sealing import opened
from apps.engine.event_buffer import KIND
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.runs import run_start
from apps.runs.operations.sweeps import sweep_run
from apps.runs.queries.instances import instance_list
from apps.runs.queries.messages import dead_letter_list
from apps.runs.queries.runs import run_get, run_list
from apps.runs.rules.sealing import MESSAGE_PAYLOAD
from tests.support.runs import ENDED, the
from tests.support.serving import deployed, redeploy, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2")

TEXT = """\
modules:
- {name: bus, type: messaging.broker}
- {name: events, type: eventbus.modular}
- {name: watch, type: event.processor}
- {name: guard, type: messaging.handler}
- {name: engine, type: statemachine.engine}
- {name: journal, type: eventlogger.modular, config: {logLevel: ERROR}}
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
  event:
    processor: watch
    patterns:
    - {patternId: thrice, eventTypes: [login.failed], windowTime: 5m, condition: count, minOccurs: 3}
    - {patternId: fall, eventTypes: [db, api, auth], windowTime: 2m, condition: sequence, orderMatters: true}
    handlers: [{patternId: thrice, handler: guard}, {patternId: fall, handler: guard}]
    adapters:
    - {broker: bus, topics: [login.failed], eventType: sec, sourceIdKey: user, correlIdKey: session}
    - {broker: bus, topics: [db, api, auth], eventType: sys, correlIdKey: session}
triggers:
  event:
    subscriptions:
    - {topic: orders, event: created, workflow: order, action: submit, params: {by: trigger}}
    - {topic: orders, event: paid, workflow: order, action: finish}
    - {topic: nowhere, workflow: gone, action: go}
  eventbus:
    subscriptions:
    - {topic: "parcel*", workflow: work, action: pack, async: true}
"""


def publish_now(tenant, workflow, topic, payload):
    with scope(tenant.id, tenant.actor):
        run_start(
            workflow_id=workflow.id,
            environment="prod",
            workflow="messaging",
            action=topic,
            data={"message": payload},
            actor=tenant.actor,
        )


async def publish(worker, tenant, workflow, *messages):
    """Publish each message with a run of its own, one after another."""
    for topic, payload in messages:
        await in_thread(publish_now, tenant, workflow, topic, payload)
        worker.ring()
        await settled(tenant)


async def settled(tenant):
    """Return all runs once every one of them has ended and nothing waits in a lane."""

    async def look():
        page = await the(tenant, run_list, limit=100)
        return page.items if all(run["state"] in ENDED for run in page.items) else None

    await wait_for_async(look, timeout=20, what="the end of all runs")
    await asyncio.sleep(0)
    return (await the(tenant, run_list, limit=100)).items[::-1]


async def of_action(tenant, action, count):
    """Return the ended runs of an action, once there are so many."""

    async def look():
        page = await the(tenant, run_list, limit=100)
        found = [run for run in page.items if run["action"] == action and run["state"] in ENDED]
        return found if len(found) >= count else None

    return await wait_for_async(look, timeout=20, what=f"{count} runs of {action}")


def rows(database, statement, *values):
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(statement, values).fetchall()


@pytest.fixture
async def both(database, two_tenants):
    return [(tenant, await deployed(tenant, "events", TEXT)) for tenant in two_tenants]


async def test_a_message_moves_the_instance_of_its_own_tenant_only(both, worker):
    (first, mine), (second, theirs) = both
    await publish(worker, first, mine, ("orders", {"type": "created", "id": "7"}))
    await of_action(first, "submit", 1)
    await publish(worker, second, theirs, ("orders", {"type": "other", "id": "7"}))
    await publish(worker, first, mine, ("orders", {"eventType": "paid", "id": "7"}))
    (run,) = await of_action(first, "finish", 1)
    told = await the(first, run_get, run_id=run["id"])
    assert (told["state"], told["section"], told["definition"]) == ("done", "statemachine", "order")
    (found,) = (await the(first, instance_list)).items
    assert (found["key"], found["state"]) == ("7", "done")
    assert (await the(second, instance_list)).items == []


@pytest.mark.spec("CAT-B2.11")
async def test_messages_of_one_topic_start_their_runs_in_order(both, worker):
    (first, mine), _ = both
    await asyncio.gather(
        *(in_thread(publish_now, first, mine, "orders", {"type": "created", "id": str(number)}) for number in range(6))
    )
    assert {run["state"] for run in await of_action(first, "submit", 6)} == {"done"}


async def test_a_message_that_nothing_can_be_started_with_is_a_dead_letter_that_says_why(both, worker):
    (first, mine), (second, _) = both
    await publish(worker, first, mine, ("nowhere", {"a": 1}), ("login.failed", "no object"))

    async def look():
        items = (await the(first, dead_letter_list)).items
        return items if len(items) == 2 else None

    letters = await wait_for_async(look, timeout=20, what="two dead letters")
    assert {letter["error"]["code"] for letter in letters} == {"workflow.unknown", "message.not_an_object"}
    assert (await the(second, dead_letter_list)).items == []


@pytest.mark.spec("CAT-B2.11", "eventbus.modular")
@pytest.mark.proven("eventbus.modular", "postgres")
async def test_a_bus_event_starts_its_run_at_once(both, worker):
    (first, mine), _ = both
    await publish(worker, first, mine, ("parcel.sent", {"n": 1}), ("parcels", {"n": 2}))
    runs = await of_action(first, "pack", 2)
    assert {run["state"] for run in runs} == {"done"}


@pytest.mark.spec("D21")
async def test_tenants_with_the_same_correlation_ids_never_mix_and_a_match_is_told_once(database, both, worker):
    (first, mine), (second, theirs) = both
    login = ("login.failed", {"session": "s", "user": "u"})
    await publish(worker, first, mine, login, login)
    await publish(worker, second, theirs, login, login)
    for tenant in (first, second):
        await of_action(tenant, "login.failed", 4)
    assert await matched(first, "thrice") == await matched(second, "thrice") == 0
    await publish(worker, first, mine, login, login)
    (run,) = await of_action(first, "thrice -> guard", 1)
    told = await the(first, run_get, run_id=run["id"])
    assert (told["state"], told["section"], told["definition"]) == ("done", "event", "watch")
    assert told["steps"][0]["input"] == {"patternId": "thrice", "eventsCount": 3}
    await of_action(first, "login.failed", 8)
    assert (await matched(first, "thrice"), await matched(second, "thrice")) == (1, 0)


async def matched(tenant, pattern):
    page = await the(tenant, run_list, limit=100)
    return len([run for run in page.items if run["action"] == f"{pattern} -> guard"])


@pytest.mark.spec("D21")
@pytest.mark.spec("event.processor")
@pytest.mark.proven("event.processor", "postgres")
async def test_a_sequence_over_several_topics_is_judged_in_the_order_of_publishing(both, worker):
    (first, mine), (second, theirs) = both
    in_order = [("db", {"session": "s"}), ("api", {"session": "s"}), ("auth", {"session": "s"})]
    await publish(worker, first, mine, *in_order)
    await publish(worker, second, theirs, *in_order[::-1])
    await of_action(first, "fall -> guard", 1)
    for topic, _ in in_order:
        await of_action(second, topic, 2)
    assert (await matched(first, "fall"), await matched(second, "fall")) == (1, 0)


async def test_buffered_events_outlive_the_worker(both):
    (first, mine), _ = both
    login = ("login.failed", {"session": "s"})
    for _ in range(3):
        async with working() as worker:
            await publish(worker, first, mine, login)
    async with working() as worker:
        await of_action(first, "thrice -> guard", 1)
    assert await matched(first, "thrice") == 1


@pytest.mark.spec("event.processor")
@pytest.mark.proven("event.processor", "postgres")
async def test_many_events_of_one_correlation_id_at_once_are_all_counted(both, worker):
    (first, mine), _ = both
    await asyncio.gather(*(in_thread(publish_now, first, mine, "login.failed", {"session": "s"}) for _ in range(9)))
    assert len(await of_action(first, "thrice -> guard", 3)) == 3


async def test_events_are_swept_after_their_time(database, both, worker):
    (first, mine), (second, theirs) = both
    await publish(worker, first, mine, ("login.failed", {"session": "s"}))
    await publish(worker, second, theirs, ("login.failed", {"session": "s"}))
    for tenant in (first, second):
        await of_action(tenant, "login.failed", 2)
    where = "from runs_storedresource where tenant_id = %s and kind = %s"
    for tenant in (first, second):
        kept = "select expires_at - updated_at between '9 minutes' and '11 minutes'"
        assert rows(database, f"{kept} {where}", tenant.id, f"{KIND}watch") == [(True,)]
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("update runs_storedresource set expires_at = weft_now() where tenant_id = %s", [first.id])
    assert (await in_thread(sweep_run, "expired"))["removed"] >= 1
    assert rows(database, f"select count(*) {where}", first.id, f"{KIND}watch") == [(0,)]
    assert rows(database, f"select count(*) {where}", second.id, f"{KIND}watch") == [(1,)]


@pytest.mark.spec("CAT-B2.11", "eventbus.modular")
@pytest.mark.proven("eventbus.modular", "postgres")
async def test_a_new_deployment_leaves_no_old_subscription_and_loses_nothing(database, both):
    (first, mine), (second, _) = both
    names = "select name, topic from runs_subscription where tenant_id = %s order by name, topic"
    before = rows(database, names, second.id)
    async with working() as worker:
        await publish(worker, first, mine, ("login.failed", {"session": "s"}), ("login.failed", {"session": "s"}))
        await of_action(first, "login.failed", 4)
    changed = TEXT.replace("{topic: nowhere, workflow: gone, action: go}", "{topic: fresh, workflow: work, action: go}")
    await in_thread(redeploy, first, mine, changed)
    listened = {topic for _, topic in rows(database, names, first.id)}
    assert ("nowhere" in listened, "fresh" in listened) == (False, True)
    async with working() as worker:
        await publish(worker, first, mine, ("login.failed", {"session": "s"}), ("fresh", {}), ("nowhere", {}))
        await of_action(first, "thrice -> guard", 1)
        assert {run["state"] for run in await of_action(first, "go", 1)} == {"done"}
    assert rows(database, names, second.id) == before


@pytest.mark.spec("eventlogger.modular")
@pytest.mark.proven("eventlogger.modular", "postgres")
async def test_the_event_logger_writes_failures_where_the_tenant_sees_them(database, both, worker):
    (first, mine), (second, _) = both
    await publish(worker, first, mine, ("orders", {"type": "paid", "id": "unknown"}))
    (run,) = await of_action(first, "workflow.statemachine.failed", 1)
    told = await the(first, run_get, run_id=run["id"])
    (line,) = told["steps"][0]["logs"]
    assert (told["definition"], line["level"], "order finish" in line["message"]) == ("journal", "error", True)
    page = await the(second, run_list)
    assert [found for found in page.items if found["definition"] == "journal"] == []


async def test_lifecycle_events_name_the_processor(database, two_tenants, worker):
    text = TEXT.replace("logLevel: ERROR", "eventTypeFilters: [workflow.event.*]")
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "events", text)
    await publish(worker, tenant, workflow, ("login.failed", {"session": "s"}))

    def look():
        found = rows(
            database,
            "select topic, payload from runs_message"
            " where tenant_id = %s and topic like 'workflow.event.%%' order by published_at, id",
            tenant.id,
        )
        return found if len(found) == 2 else None

    told = await wait_for_async(lambda: in_thread(look), what="two events")
    assert [topic for topic, _ in told] == ["workflow.event.started", "workflow.event.completed"]
    ended = orjson.loads(opened(told[1][1], tenant.id, MESSAGE_PAYLOAD))
    assert (ended["workflow"], ended["action"], ended["results"]["processed"]) == ("watch", "login.failed", True)


@pytest.mark.spec("messaging.broker.eventbus")
@pytest.mark.proven("messaging.broker.eventbus", "postgres")
async def test_the_bus_in_the_place_of_a_broker_serves_handlers_patterns_and_triggers(database, two_tenants, worker):
    text = TEXT.replace("{name: bus, type: messaging.broker}", "{name: bus, type: messaging.broker.eventbus}").replace(
        "  pipelines:",
        "  messaging: {broker: bus, subscriptions: [{topic: parcel.sent, handler: guard}]}\n  pipelines:",
        1,
    )
    (first, mine), (second, theirs) = [(tenant, await deployed(tenant, "bus", text)) for tenant in two_tenants]
    login = ("login.failed", {"session": "s"})
    await publish(worker, first, mine, ("parcel.sent", {"n": 1}), login, login, login)
    await publish(worker, second, theirs, login)
    (packed,) = await of_action(first, "pack", 1)
    (handled,) = [run for run in await settled(first) if run["definition"] == "parcel.sent -> guard"]
    assert (packed["state"], handled["state"]) == ("done", "done")
    assert (await matched(first, "thrice"), await matched(second, "thrice")) == (1, 0)
    kept = rows(database, "select topic from runs_message where tenant_id = %s order by published_at", first.id)
    assert [topic for (topic,) in kept if not topic.startswith("workflow.")] == ["parcel.sent", *["login.failed"] * 3]
    assert [run for run in await settled(second) if run["definition"] == "parcel.sent -> guard"] == []
