"""One process as a whole product: runs survive it, scopes are apart, work happens in the background."""

import asyncio
from uuid import UUID, uuid4

import pytest

from apps.engine.ports import HttpReply, LostRace, NewRun
from apps.engine.run.program import step_id
from apps.engine.run.state import Cancelled, SendAgain, Settled
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

TEXT = """
modules:
- {name: sender, type: test.sender}
- {name: once, type: test.once}
- {name: checkable, type: test.checkable}
- {name: buggy, type: test.buggy}
workflows:
  pipelines:
    plain: {steps: [{set: {a: 1}}, {set: {b: 2}}]}
    send: {steps: [{name: s, uses: sender, retry: {attempts: 3, firstPause: 1s}}]}
    once: {steps: [{name: s, uses: once, retry: {attempts: 2, timeout: 50ms}}, {set: {after: 1}}]}
    check: {steps: [{name: s, uses: checkable, retry: {attempts: 2, timeout: 50ms}}]}
    bug: {steps: [{uses: buggy}]}
"""


def bench(**more) -> Bench:
    return Bench(compiled(TEXT), **more)


async def started(here: Bench, pipeline: str, data=None, **more) -> UUID:
    return await here.host.start_run(NewRun(f"pipeline:{pipeline}", data or {}, "pipelines", **more))


def run(here: Bench, run_id: UUID):
    return here.host.queue.run("local", run_id)


@pytest.mark.spec("SPINE-B6")
async def test_an_accepted_run_is_driven_to_its_end():
    async with bench() as here:
        run_id = await started(here, "plain", {"n": 1})
        assert run(here, run_id)["wait"]["reason"] == "missing worker"
        await here.settle()
        found = run(here, run_id)
        assert (found["status"], found["output"]) == ("done", {"n": 1, "a": 1, "b": 2})
        assert [(line["name"], line["state"]) for line in found["steps"]] == [("set-0", "done"), ("set-1", "done")]


async def test_a_run_may_be_told_to_begin_later():
    async with bench() as here:
        run_id = await started(here, "plain", delay_seconds=60)
        await here.host.drain()
        assert run(here, run_id)["status"] == "ready"
        here.clock.advance(61)
        await here.host.drain()
        assert run(here, run_id)["status"] == "done"


@pytest.mark.spec("SPINE-B6.2")
async def test_one_idempotency_key_is_one_run():
    async with bench() as here:
        first = await started(here, "plain", idempotency_key="k")
        assert await started(here, "plain", idempotency_key="k") == first
        async with here.host.unit() as unit:
            ids = {unit.runs.start(NewRun("pipeline:plain", {}, "p", idempotency_key="l")) for _ in range(2)}
        assert len(ids) == 1
        assert len(here.host.queue.runs("local")) == 2


@pytest.mark.spec("SPINE-B6.9", "SPINE-B6.5")
async def test_tries_pause_between_each_other_and_end():
    async with bench() as here:
        for _ in range(3):
            here.http.answer(503)
        run_id = await started(here, "send")
        await here.host.drain()
        assert run(here, run_id)["wait"]["reason"] == "retry back-off"
        await here.settle()
        assert (run(here, run_id)["status"], len(here.http.calls)) == ("failed", 3)
        assert here.host.tell(run_id, SendAgain())
        await here.settle()
        assert run(here, run_id)["status"] == "done"


@pytest.mark.spec("SPINE-B6.10")
async def test_a_run_is_cancelled_while_it_waits_and_what_comes_later_is_late():
    async with bench() as here:
        here.http.answer(503)
        run_id = await started(here, "send")
        await here.host.drain()
        assert here.host.tell(run_id, Cancelled())
        assert not here.host.tell(run_id, Cancelled())
        await here.settle()
        assert (run(here, run_id)["status"], len(here.http.calls)) == ("cancelled", 1)
        assert not here.host.tell(uuid4(), Cancelled())
        assert not here.host.tell(run_id, SendAgain(), "other")


@pytest.mark.spec("SPINE-B6.10")
async def test_a_result_that_comes_after_the_cancel_is_not_written():
    async with bench() as here:
        run_id = await started(here, "send")

        def cancel(call):
            here.host.tell(run_id, Cancelled())
            return _ok()

        here.http.script.append(cancel)
        await here.host.drain()
        assert run(here, run_id)["status"] == "cancelled"


def _ok():
    return HttpReply(200, {}, b"{}")


async def test_a_fault_of_ours_fails_the_run_and_keeps_the_trace_for_operators():
    async with bench() as here:
        run_id = await started(here, "bug")
        await here.settle()
        assert run(here, run_id)["error"]["code"] == "engine.bug"
        assert "KeyError" in here.host.bugs[0][1]


async def test_a_run_whose_entry_is_gone_fails():
    async with bench() as here:
        run_id = await started(here, "plain")
        here.host.deploy(compiled("modules: []"))
        await here.settle()
        assert run(here, run_id)["error"]["code"] == "run.entry_gone"


async def _never(*args, **more):
    await asyncio.Event().wait()


@pytest.mark.spec("SPINE-B6", "SPINE-B6.5", "SPINE-B6.7")
async def test_something_done_once_that_does_not_answer_waits_for_a_person():
    async with bench() as here:
        here.host.http = _Silent()
        run_id = await started(here, "once")
        await here.settle()
        found = run(here, run_id)
        assert (found["status"], found["wait"]["reason"], found["ready_at"]) == ("unknown", "unknown effect", None)
        here.host.http = here.http
        assert here.host.tell(run_id, SendAgain())
        await here.settle()
        assert run(here, run_id)["status"] == "done"
        assert len(here.http.calls) == 1


@pytest.mark.spec("SPINE-B6", "SPINE-B6.4")
async def test_an_unknown_effect_that_did_happen_goes_on_with_its_receipt():
    async with bench() as here:
        here.host.http = _Silent()
        run_id = await started(here, "once")
        await here.settle()
        async with here.host.unit() as unit:
            await unit.effects.receipt(step_id(run_id, "s"), 1, {"sent": "by hand"})
        assert here.host.tell(run_id, Settled())
        await here.settle()
        found = run(here, run_id)
        assert (found["status"], here.http.calls) == ("done", [])
        assert found["steps"][-2]["output"] == {"sent": "by hand"}


class _Silent:
    request = staticmethod(_never)


async def test_something_checkable_is_asked_about():
    async with bench() as here:
        calls = []

        class Half:
            async def request(self, method, url, **more):
                calls.append(method)
                if method == "POST":
                    await _never()
                return _ok()

        here.host.http = Half()
        run_id = await started(here, "check")
        await here.settle()
        assert (run(here, run_id)["status"], calls) == ("done", ["POST", "GET"])
        assert run(here, run_id)["steps"][-1]["output"] == {"verified": True}


@pytest.mark.spec("SPINE-B6")
async def test_a_process_that_dies_in_a_step_is_followed_by_one_that_goes_on(tmp_path):
    path = str(tmp_path / "weft.db")
    dying = bench(path=path)
    dying.host.http = _Silent()
    run_id = await started(dying, "send")
    task = asyncio.ensure_future(dying.host.worker.step())
    while run(dying, run_id)["status"] != "claimed":
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    dying.host.store.close()
    async with bench(path=path) as next_one:
        await next_one.settle()
        assert run(next_one, run_id)["status"] == "done"
        assert len(next_one.http.calls) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_worker_works_in_the_background_and_stops():
    here = Bench(compiled(TEXT))
    here.host.start()
    here.host.start()
    ids = [await started(here, "plain", {"n": n}) for n in range(30)]
    async with asyncio.timeout(5):
        while any(run(here, run_id)["status"] != "done" for run_id in ids):
            await asyncio.sleep(0)
    await here.host.close()


async def test_a_row_that_is_held_too_long_is_a_lost_race():
    async with bench() as here, here.host.unit() as first:
        await first.resources.get("orders", "1", lock=True)
        async with here.host.unit() as second:
            with pytest.raises(LostRace):
                await second.resources.get("orders", "1", lock=True)
            await second.resources.get("orders", "2", lock=True)
    assert len(here.host.locks) == 0


async def test_a_caller_that_gives_up_waiting_for_a_row_leaves_nothing_behind():
    async with bench() as here, here.host.unit() as first:
        await first.hold("row", "1")
        waiting = asyncio.ensure_future(here.host.new_unit("local").hold("row", "1"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(here.host.locks) == 1


async def test_chains_that_never_end_are_noticed(monkeypatch):
    text = """
modules: [{name: broker, type: messaging.broker}, {name: inbox, type: messaging.handler}]
workflows:
  messaging:
    subscriptions: [{topic: a, handler: inbox}]
    producers: [{name: inbox, forwardTo: [a]}]
"""
    monkeypatch.setattr("apps.engine.local.host.MOST_STEPS", 50)
    async with Bench(compiled(text)) as here:
        async with here.host.unit() as unit:
            unit.broker.publish("a", 1)
        with pytest.raises(RuntimeError, match="do not come to an end"):
            await here.settle()


async def test_a_run_that_cannot_be_written_ends_as_poison_and_the_others_go_on(monkeypatch):
    async with bench() as here:
        bad, good = await started(here, "plain", {"n": "bad"}), await started(here, "plain", {"n": "good"})
        save = here.host.queue.save

        def refuse(state, steps, ready_at):
            if state.run_id == bad and state.position == 1 and not state.status.is_final:
                raise ValueError("cannot be written")
            save(state, steps, ready_at)

        monkeypatch.setattr(here.host.queue, "save", refuse)
        await here.settle()
        assert run(here, good)["status"] == "done"
        assert run(here, bad)["error"]["code"] == "run.poison"
        assert len(here.host.bugs) > 1
