"""A try that does not end in its time is taken from its worker, however alive that worker is (engine.md law 7)."""

import asyncio
import contextlib
from datetime import timedelta

import psycopg
import pytest

from apps.engine.ids import uuid7
from apps.runs.adapters.journal import Change
from apps.runs.adapters.queue import Queue
from apps.runs.adapters.threads import in_thread
from apps.runs.operations import driving
from apps.runs.operations import worker as worker_module
from apps.runs.operations.applications import Applications
from apps.runs.operations.services import services_make
from apps.runs.queries.runs import run_get
from tests.integration.runs.documents import HEAD, ORDERS
from tests.support.receiver import receiving
from tests.support.runs import ended, start, the
from tests.support.serving import deployed, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("SPINE-2", "SPINE-B6")

LIMIT_SECONDS = 1.0
TELLING = (
    HEAD
    + """\
  - {name: hook, type: webhook.sender, config: {url: "http://%s/", timeout: 30, initialBackoff: 0.1}}
workflows:
  pipelines:
    tell:
      steps:
        - {name: prepare, set: {prepared: true}}
        - {name: call, uses: hook, with: {order: 7}}
        - {name: finish, set: {finished: true}}
"""
)


class Hanging:
    """Stands before the engine's way to try a step: the first call of a partner hangs, and no cancelling helps."""

    def __init__(self, try_step):
        self._try_step = try_step
        self.hangs = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def __call__(self, program, state, context, **more):
        if program.steps[state.position].name == "call" and not self.hangs.is_set():
            self.hangs.set()
            while not self.may_go_on.is_set():
                try:
                    await self.may_go_on.wait()
                except asyncio.CancelledError:
                    continue
        return await self._try_step(program, state, context, **more)


def is_bounded(database, run_id):
    """Return whether the run's work says by when its try must end, and whether its lease ends no later."""
    with psycopg.connect(database.superuser_url) as connection:
        found = connection.execute("select lease_until <= try_until from runs_work where run_id = %s", [run_id])
        return found.fetchone() == (True,)


@pytest.fixture
def impatient(monkeypatch):
    """Let every try end in the database a second after it began, and hearts beat five times a second."""
    monkeypatch.setattr(driving, "TRY_GRACE", timedelta(seconds=LIMIT_SECONDS - 35))
    monkeypatch.setattr(worker_module, "HEARTBEAT_SECONDS", 0.2)
    hanging = Hanging(driving.try_step)
    monkeypatch.setattr(driving, "try_step", hanging)
    return hanging


@contextlib.asynccontextmanager
async def two_workers(hanging):
    """Run two workers; what hangs is let go before they are asked to end."""
    async with working(), working():
        try:
            yield
        finally:
            hanging.may_go_on.set()


async def test_a_try_that_hangs_in_a_living_worker_is_tried_again_and_the_late_one_is_refused(
    database, two_tenants, impatient, settings
):
    tenant, other = two_tenants
    with receiving() as partner:
        settings.OUTBOUND_ALLOW = [partner.address]
        workflow = await deployed(tenant, "tell", TELLING % partner.address)
        others = await deployed(other, "orders", ORDERS)
        run_id = await start(tenant, workflow, "tell", {})
        async with two_workers(impatient):
            await asyncio.wait_for(impatient.hangs.wait(), 10)
            await wait_for_async(lambda: in_thread(is_bounded, database, run_id), what="the bound of the lease")
            assert (await ended(other, await start(other, others, "price", {"qty": 1, "price": 1})))["state"] == "done"
            run = await ended(tenant, run_id, timeout=20)
            late = [task for task in asyncio.all_tasks() if task.get_name() == f"run-{run_id}"]
            impatient.may_go_on.set()
            await asyncio.wait(late, timeout=10)
        assert [task.done() for task in late] == [True]
        assert run["state"] == "done"
        assert {step["name"]: (step["state"], step["attempt"]) for step in run["steps"]} == {
            "prepare": ("done", 1),
            "call": ("done", 2),
            "finish": ("done", 1),
        }
        assert await the(tenant, run_get, run_id=run_id) == run
        assert len({call["webhook-id"] for call in partner.calls}) == 1


async def test_whoever_was_too_late_may_write_nothing_of_the_run_any_more(database, two_tenants):
    tenant, _ = two_tenants
    workflow = await deployed(tenant, "orders", ORDERS)
    run_id = await start(tenant, workflow, "price", {"qty": 1, "price": 1})
    services = services_make(Applications())
    await services.start()
    try:
        early, late = Queue(services.pools, uuid7()), Queue(services.pools, services.owner)
        mine = next(run for run in await late.claim(64) if run.id == run_id)
        ended_at = mine.claimed_at - timedelta(seconds=1)
        assert await late.prolong({run_id: ended_at}) == {run_id}
        assert mine.is_overdue is False
        theirs = next(run for run in await early.claim(64) if run.id == run_id)
        assert (theirs.is_overdue, theirs.epoch) == (True, mine.epoch + 1)
        change = Change(run_id, tenant.id, services.owner, mine.epoch, "done", None, ended=True)
        assert await services.journal.put(change) is None
        assert await late.prolong({run_id: None}) == set()
        await early.release()
    finally:
        await services.close()
    assert (await the(tenant, run_get, run_id=run_id))["state"] == "waiting"
