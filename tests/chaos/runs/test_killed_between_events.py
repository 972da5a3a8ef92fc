"""A worker that is killed while it takes events in loses none of them, and counts none twice."""

import orjson
import psycopg
import pytest

from apps.core.scope import scope
from apps.core.sealing import opened
from apps.runs.operations.runs import run_start
from apps.runs.rules.sealing import RUN_INPUT
from tests.support.serving import deploy
from tests.support.waiting import wait_for
from tests.support.workers import workers

EVENTS, LEAST, AT_ONCE = 120, 20, 4
EMIT = "{emit: seen, payload: {session: same}}"
DOCUMENT = f"""\
modules:
- {{name: bus, type: messaging.broker}}
- {{name: watch, type: event.processor}}
- {{name: guard, type: messaging.handler}}
workflows:
  event:
    processor: watch
    patterns:
    - {{patternId: many, eventTypes: [seen], windowTime: 1h, condition: count, minOccurs: {LEAST}}}
    handlers: [{{patternId: many, handler: guard}}]
    adapters: [{{broker: bus, topics: [seen], eventType: e, correlIdKey: session}}]
  pipelines:
    say: {{steps: [{", ".join([EMIT] * AT_ONCE)}]}}
"""
MATCHES = "select input, state from runs_run where tenant_id = %s and source = 'event' order by id"
JUDGED = (
    "select count(*) from runs_run where tenant_id = %s and section = 'event' and source = 'message' and state = %s"
)


def rows(database, statement, *values):
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(statement, values).fetchall()


def say(tenant, workflow):
    with scope(tenant.id, tenant.actor):
        for _ in range(EVENTS // AT_ONCE):
            run_start(
                workflow_id=workflow.id, environment="prod", workflow="say", action="", data={}, actor=tenant.actor
            )


@pytest.mark.slow
@pytest.mark.spec("CAT-B2", "D21")
def test_a_worker_killed_in_the_middle_of_events_loses_and_doubles_none(database, two_tenants, tmp_path):
    tenant, other = two_tenants
    workflows = [(each, deploy(each, "events", DOCUMENT)) for each in two_tenants]
    with workers(database, tmp_path) as started:
        for each, workflow in workflows:
            say(each, workflow)
        first = started.launch()  # only now: one that runs along has done it all before it is killed
        wait_for(lambda: rows(database, JUDGED, tenant.id, "done")[0][0] >= 3, timeout=60, what="the first events")
        started.kill(first)
        before = rows(database, JUDGED, tenant.id, "done")[0][0]
        started.jump("1 minute")
        started.start()
        for each in (tenant, other):
            wait_for(
                lambda of=each: (
                    rows(database, JUDGED, of.id, "done") == [(EVENTS,)]
                    and len(rows(database, MATCHES, of.id)) == EVENTS // LEAST
                ),
                timeout=60,
                what=f"all events; {started.printed()}",
            )
        for each in (tenant, other):
            inputs = [opened(sealed, each.id, RUN_INPUT) for sealed, _ in rows(database, MATCHES, each.id)]
            matches = [orjson.loads(given)["events"] for given in inputs]
            ids = [event["id"] for events in matches for event in events]
            assert [len(events) for events in matches] == [LEAST] * (EVENTS // LEAST)
            assert len(set(ids)) == EVENTS
    assert before < EVENTS
