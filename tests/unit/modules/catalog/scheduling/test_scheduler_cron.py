import pytest
from pydantic import ValidationError

from apps.engine.testing import EPOCH, Bench
from apps.modules.catalog.scheduling.scheduler_cron import SchedulerCron
from tests.support.documents import module_example
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("scheduler.cron")


def test_without_an_expression_it_is_due_every_minute():
    assert make(SchedulerCron).timetable.after(EPOCH).isoformat() == "2030-01-01T00:01:00+00:00"


@pytest.mark.parametrize("key", ["cronExpression", "expression"])
def test_the_expression_has_two_spellings(key):
    made = make(SchedulerCron, {key: "0 6 * * *", "timezone": "Europe/Berlin"})
    assert made.timetable.text == "0 6 * * * Europe/Berlin"


@pytest.mark.parametrize("config", [{"cronExpression": "0 0 31 2 *"}, {"timezone": "Mars"}, {"expression": 5}])
def test_what_is_no_time_is_refused(config):
    with pytest.raises(ValidationError):
        make(SchedulerCron, config)


@pytest.mark.shows("scheduler.cron", "example")
async def test_the_example_sweeps_the_floor_every_quarter_of_an_hour_and_opens_the_shop_in_the_morning():
    async with Bench(module_example("scheduler_cron")) as bench:
        for _ in range(8 * 4):
            bench.clock.advance(900)
            await bench.settle()
        runs = bench.host.queue.runs("local", source="schedule")
        assert [run["workflow"] for run in runs].count("sweep-the-floor") == 32
        assert [run["started_at"][11:16] for run in runs if run["workflow"] == "open-the-shop"] == ["06:30"]
        assert len(bench.host.queue.messages("local", "floor.swept")) == 32
