"""Jobs run by the clock and at once, on the local host with a clock that tests move."""

from datetime import timedelta

import pytest

from apps.engine.testing import EPOCH, Bench
from apps.engine.trigger import UnknownWorkflow
from tests.support.documents import compiled_real

MODULES = """\
modules:
- {name: minutes, type: scheduler}
- {name: hours, type: scheduler.cron, config: {cronExpression: "0 * * * *"}}
- {name: work, type: messaging.handler}
- {name: reader, type: messaging.handler}
- {name: bus, type: messaging.broker}
- {name: runs, type: job.store}
- {name: engine, type: statemachine.engine}
"""
SECTION = (
    MODULES
    + """\
workflows:
  scheduler:
    jobs:
    - {scheduler: minutes, job: work, config: {room: hall}}
    - {scheduler: hours, job: work}
    - {scheduler: hours, job: broken}
  pipelines:
    broken: {steps: [{set: {part: done}}, {set: {x: "${1 / 0}"}}]}
  messaging:
    subscriptions: [{topic: work.done, handler: reader}, {topic: work-errors, handler: reader}]
    producers:
    - {name: work, forwardTo: [work.done]}
    - {name: broken, forwardTo: [work.done, work-errors]}
"""
)
pytestmark = pytest.mark.spec("scheduler.cron", "CAT-B2.4", "CAT-B2.10", "CAT-B2")


async def pass_time(bench: Bench, **delta) -> None:
    bench.clock.advance(timedelta(**delta).total_seconds())
    await bench.settle()


def scheduled(bench: Bench):
    return [run for run in bench.host.queue.runs("local") if run["source"] == "schedule"]


async def test_a_job_runs_when_its_scheduler_s_time_has_come_and_gets_its_config():
    async with Bench(compiled_real(SECTION)) as bench:
        await bench.settle()
        assert scheduled(bench) == []
        await pass_time(bench, seconds=60)
        (run,) = scheduled(bench)
        assert (run["section"], run["action"], run["workflow"]) == ("scheduler", "minutes:work", "work")
        assert (run["input"], run["status"]) == ({"room": "hall"}, "done")
        told = {"job": "work", "scheduler": "minutes"}
        assert run["output"] == {"success": True, **told, "result": {"room": "hall"}}
        (message,) = bench.host.queue.messages("local", "work.done")
        assert message["payload"] == {"room": "hall", **told, "status": "success", "runId": run["id"]}


async def test_times_that_were_missed_are_made_up_for_by_one_run():
    async with Bench(compiled_real(SECTION)) as bench:
        await pass_time(bench, minutes=59, seconds=30)
        assert [run["action"] for run in scheduled(bench)] == ["minutes:work"]
        last = {row["name"]: row["last_at"] for row in bench.host.timer.shown("local")}
        assert last["minutes:work"].startswith("2030-01-01T00:59:00")
        await pass_time(bench, seconds=30)
        assert sorted(run["action"] for run in scheduled(bench)) == [
            "hours:broken", "hours:work", "minutes:work", "minutes:work",
        ]  # fmt: skip


async def test_a_job_that_fails_says_so_to_the_topics_for_errors_only():
    async with Bench(compiled_real(SECTION)) as bench:
        run_id = await bench.host.start_run(bench.host.application().resolve("scheduler", "hours:broken", {"n": 1}))
        await bench.settle()
        run = bench.host.queue.run("local", run_id)
        assert (run["status"], run["output"]["success"], bool(run["output"]["error"])) == ("failed", False, True)
        (message,) = bench.host.queue.messages("local")
        assert message["topic"] == "work-errors"
        assert {"n": 1, "job": "broken", "status": "failed"}.items() <= message["payload"].items()
        async with bench.host.unit() as unit:
            (kept,) = await unit.resources.page("runs:jobs")
        assert [line["status"] for line in kept.data["runs"]] == ["failed"]


@pytest.mark.parametrize(
    ("workflow", "action"), [("scheduler", "work"), ("scheduler", "minutes:work"), ("work", ""), ("minutes:work", "x")]
)
def test_a_job_is_started_at_once_by_any_of_its_names(workflow, action):
    run = compiled_real(SECTION).resolve(workflow, action, {"more": 1})
    assert (run.entry, run.data) == ("job:minutes:work", {"room": "hall", "more": 1})
    assert (run.action, run.source) == ("minutes:work", "trigger")
    assert compiled_real(SECTION).resolve(workflow, action, "text").data == "text"
    assert compiled_real(SECTION).resolve(workflow, action, None).data == {"room": "hall"}


def test_a_job_that_is_not_there_is_unknown():
    with pytest.raises(UnknownWorkflow, match="'scheduler'"):
        compiled_real(SECTION).resolve("scheduler", "nothing", {})


def test_a_job_s_own_time_zone_goes_before_its_scheduler_s():
    text = (
        MODULES
        + """\
- {name: dawn, type: scheduler, config: {cronExpression: "0 6 * * *", timezone: Europe/Berlin}}
workflows:
  scheduler:
    jobs: [{scheduler: dawn, job: work}, {scheduler: dawn, job: reader, timezone: Asia/Tokyo}]
"""
    )
    berlin, tokyo = (schedule.timetable.after(EPOCH) for schedule in compiled_real(text).schedules)
    assert (berlin.isoformat(), tokyo.isoformat()) == ("2030-01-01T05:00:00+00:00", "2030-01-01T21:00:00+00:00")


TRIGGER = (
    MODULES
    + """\
workflows:
  pipelines: {tidy: {steps: [{set: {tidied: true}}]}}
  statemachine:
    engine: engine
    definitions:
    - name: order
      initialState: new
      states: {new: {}, open: {}}
      transitions: {submit: {fromState: new, toState: open}}
triggers:
  schedule:
    jobs:
    - {cron: "*/5 * * * *", workflow: tidy, action: go, params: {n: 1}}
    - {cron: "0 * * * *", workflow: order, action: submit, params: {trigger_time: never}}
    - {cron: "0 * * * *", workflow: order, action: unheard}
    - {cron: "0 * * * *", workflow: elsewhere, action: go}
"""
)


async def test_the_trigger_starts_each_workflow_by_its_own_cron():
    async with Bench(compiled_real(TRIGGER)) as bench:
        await pass_time(bench, minutes=5)
        (run,) = scheduled(bench)
        assert (run["workflow"], run["section"], run["status"]) == ("tidy", "pipelines", "done")
        assert run["input"] == {"trigger_time": "2030-01-01T00:05:00+00:00", "n": 1}


async def test_the_trigger_moves_instances_and_its_params_win():
    async with Bench(compiled_real(TRIGGER)) as bench:
        await pass_time(bench, hours=1)
        runs = {(run["workflow"], run["action"]): run for run in scheduled(bench)}
        moved = runs["order", "submit"]
        assert (moved["status"], moved["input"]["data"]) == ("done", {"trigger_time": "never"})
        async with bench.host.unit() as unit:
            assert [instance.state for instance in await unit.instances.page()] == ["open"]


async def test_what_cannot_be_started_is_a_failed_run_that_says_why():
    async with Bench(compiled_real(TRIGGER)) as bench:
        await pass_time(bench, hours=1)
        runs = {(run["workflow"], run["action"]): run for run in scheduled(bench)}
        assert runs["elsewhere", "go"]["status"] == "failed"
        assert runs["elsewhere", "go"]["error"]["code"] == "workflow.unknown"
        assert runs["order", "unheard"]["status"] == "failed"
        assert bench.host.bugs == []


def test_a_trigger_that_is_switched_off_starts_nothing():
    assert compiled_real(TRIGGER.replace("  schedule:\n", "  schedule:\n    enabled: false\n")).schedules == ()
