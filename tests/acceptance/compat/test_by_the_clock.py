"""The reference documents with schedules, on the local host with a clock that tests move (spec/modules.md 12.2)."""

import pytest

from apps.engine.testing import Bench
from tests.support.documents import compiled_real

MINUTE_JOBS = ("health-check-job", "metrics-collection-job")


async def pass_minutes(bench, minutes):
    for _ in range(minutes):
        bench.clock.advance(60)
        await bench.settle()


def scheduled(bench, workflow):
    return [run for run in bench.host.queue.runs("local", source="schedule") if run["workflow"] == workflow]


@pytest.mark.spec("CAT-1", "scheduler.cron", "job.store")
async def test_four_jobs_run_by_three_schedules_and_each_run_publishes_an_event(document):
    async with Bench(compiled_real(document("scheduled-jobs-config").read_text(encoding="utf-8"))) as bench:
        assert len({schedule.timetable for schedule in bench.host.application().schedules}) == 3
        assert len(bench.host.application().schedules) == 4
        await pass_minutes(bench, 60)
        for job in MINUTE_JOBS:
            assert len(scheduled(bench, job)) == 60
        (hourly,) = scheduled(bench, "data-cleanup-job")
        assert hourly["started_at"].startswith("2030-01-01T01:00")
        assert scheduled(bench, "report-generation-job") == []
        events = bench.host.queue.messages("local", "job-events")
        assert len(events) == 121
        shown = (await bench.request("GET", "/api/jobs/status")).json()
        assert {run["status"] for run in shown["runs"]} == {"success"}
        assert shown["jobs"][0]["job"] == "report-generation-job"
        last = {job["job"]: job["lastRun"] for job in shown["jobs"]}
        assert last["data-cleanup-job"]["runId"] == hourly["id"]
        bench.clock.advance(23 * 3600)
        await bench.settle()
        assert len(scheduled(bench, "report-generation-job")) == 1
        assert bench.host.bugs == []


@pytest.mark.spec("CAT-1", "scheduler.cron")
async def test_the_hourly_and_the_daily_job_of_the_trigger_are_listed_and_fire(document):
    text = document("trigger-workflow-example").read_text(encoding="utf-8")
    async with Bench(compiled_real(text)) as bench:
        hourly, daily = bench.host.application().schedules
        assert (hourly.timetable.text, hourly.workflow, hourly.action) == (
            "0 * * * *", "order-workflow", "process_pending_orders",
        )  # fmt: skip
        assert (daily.timetable.text, daily.workflow, daily.action) == (
            "0 0 * * *", "inventory-workflow", "daily_inventory_check",
        )  # fmt: skip
        await pass_minutes(bench, 60)
        (run,) = scheduled(bench, "order-workflow")
        assert run["input"]["data"] == {"trigger_time": "2030-01-01T01:00:00+00:00", "batchSize": 100}
        assert (run["status"], run["error"]["code"]) == ("failed", "transition.unknown")
        bench.clock.advance(23 * 3600)
        await bench.settle()
        (missing,) = scheduled(bench, "inventory-workflow")
        assert (missing["status"], missing["error"]["code"]) == ("failed", "workflow.unknown")


@pytest.mark.spec("CAT-1", "scheduler.cron")
async def test_the_trigger_example_moves_an_order_by_its_routes(document):
    text = document("trigger-workflow-example").read_text(encoding="utf-8")
    async with Bench(compiled_real(text)) as bench:
        assert (await bench.request("POST", "/api/workflows/orders/submit?id=1")).status == 202
        await bench.settle()
        async with bench.host.unit() as unit:
            assert (await unit.instances.get("order-workflow", "1")).state == "processing"
        assert (await bench.request("POST", "/api/workflows/orders/1/complete")).status == 202
        await bench.settle()
        async with bench.host.unit() as unit:
            assert (await unit.instances.get("order-workflow", "1")).state == "completed"
