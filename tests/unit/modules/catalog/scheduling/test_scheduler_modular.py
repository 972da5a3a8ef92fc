import pytest
from pydantic import ValidationError

from apps.engine.testing import Bench
from apps.modules.catalog.scheduling.scheduler_modular import SchedulerModular
from tests.support.documents import compiled_real, module_example
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("scheduler.modular")


def test_its_defaults_are_those_of_the_framework():
    config = make(SchedulerModular).config
    assert (config.worker_count, config.queue_size, config.retention_days) == (5, 100, 7)
    assert (config.shutdown_timeout, config.check_interval, config.interval) == (30.0, 1.0, 60.0)
    assert (config.storage_type, config.persistence_backend, config.jobs) == ("memory", "none", [])


@pytest.mark.spec("D9")
@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "@every 60s"),
        ({"interval": "1h30m"}, "@every 5400s"),
        ({"interval": 120}, "@every 120s"),
        ({"interval": "5m", "cron": "0 4 * * *"}, "0 4 * * *"),
        ({"cron": "0 4 * * *", "timezone": "Asia/Tokyo", "workerCount": "7", "queueSize": 9.0}, "0 4 * * * Asia/Tokyo"),
    ],
)
def test_cron_goes_before_the_interval(config, text):
    assert make(SchedulerModular, config).timetable.text == text


@pytest.mark.parametrize(
    "config",
    [
        {"interval": "10s"},
        {"cron": "0 0 31 2 *"},
        {"persistenceBackend": "paper"},
        {"workerCount": 0},
        {"jobs": [{"name": "a"}]},
        {"jobs": [{"name": "a", "schedule": "* * * * *", "shell": "rm"}]},
        {"jobs": [{"name": "a", "schedule": "* * * * *"}] * 201},
    ],
)
def test_what_makes_no_sense_is_refused(config):
    with pytest.raises(ValidationError):
        make(SchedulerModular, config)


@pytest.mark.shows("scheduler.modular", "example")
async def test_the_example_tidies_at_night_and_has_a_pulse_every_five_minutes():
    async with Bench(module_example("scheduler_modular")) as bench:
        for _ in range(36):
            bench.clock.advance(300)
            await bench.settle()
        runs = bench.host.queue.runs("local", source="schedule")
        assert [run["workflow"] for run in runs].count("pulse") == 36
        (night,) = [run for run in runs if run["workflow"] == "tidy"]
        assert (night["started_at"][11:16], night["output"]["result"]) == ("02:00", {"tidied": True})


async def test_its_settings_may_stand_at_the_top_and_a_command_is_never_handed_to_a_shell():
    text = """
modules:
- {name: clock, type: scheduler.modular, config: {interval: 10m}}
- {name: work, type: messaging.handler}
scheduler:
  interval: 1h
  jobs:
  - {name: work, schedule: "*/30 * * * *"}
  - {name: shell, schedule: "* * * * *", command: "touch /tmp/never"}
workflows:
  scheduler: {jobs: [{scheduler: scheduler.provider, job: work}]}
"""
    application = compiled_real(text)
    assert [(each.action, each.timetable.text) for each in application.schedules] == [
        ("scheduler.provider:work", "@every 600s"),
        ("clock:work", "*/30 * * * *"),
    ]
