"""A worker that is killed between an event and the run that a link makes of it loses none, and starts none twice."""

from collections import Counter

import pytest

from apps.core.scope import scope
from apps.runs.operations.runs import run_start
from tests.integration.runs.link_documents import SOURCE, TARGET, dead, link, rows, runs_of
from tests.support.serving import deploy
from tests.support.waiting import wait_for
from tests.support.workers import workers

EVENTS = 60
TAKEN = "select count(*) from runs_run where tenant_id = %s and source = 'link' and state = 'done'"


def say(tenant, workflow):
    with scope(tenant.id, tenant.actor):
        for number in range(EVENTS):
            run_start(
                workflow_id=workflow.id,
                environment="prod",
                workflow="messaging",
                action="order.validated",
                data={"id": f"o-{number}"},
                actor=tenant.actor,
            )


@pytest.mark.slow
@pytest.mark.spec("CAT-B2", "CAT-B2.8")
def test_a_worker_killed_between_an_event_and_its_run_at_the_target_loses_and_doubles_none(
    database, two_tenants, tmp_path
):
    tenant, _ = two_tenants
    ends = [(each, deploy(each, "source", SOURCE), deploy(each, "target", TARGET)) for each in two_tenants]
    for each, source, target in ends:
        link(each, source, target, "event_trigger", event_pattern="order.*", target_action="take:go")
    for each, source, _ in ends:
        say(each, source)
    with workers(database, tmp_path) as started:
        first = started.launch()
        wait_for(lambda: rows(database, TAKEN, tenant.id)[0][0] >= 3, timeout=60, what="the first runs")
        started.kill(first)
        before = rows(database, TAKEN, tenant.id)[0][0]
        started.jump("1 minute")
        started.start()
        for each, _, target in ends:
            wait_for(
                lambda of=each: rows(database, TAKEN, of.id) == [(EVENTS,)],
                timeout=60,
                what=f"all runs; {started.printed()}",
            )
            orders = Counter(run[4]["id"] for run in runs_of(database, each, target))
            assert orders == Counter(f"o-{number}" for number in range(EVENTS))
            assert dead(database, each) == []
    assert before < EVENTS
