"""Schedules of the local host: kept over deployments and restarts, apart by scope."""

import pytest

from apps.engine.testing import Bench
from tests.support.documents import compiled_real

pytestmark = pytest.mark.spec("scheduler.cron")


def document(cron: str, more: str = "") -> str:
    return f"""\
modules:
- {{name: clock, type: scheduler, config: {{cronExpression: "{cron}"}}}}
- {{name: work, type: messaging.handler}}
- {{name: other, type: messaging.handler}}
workflows:
  scheduler: {{jobs: [{{scheduler: clock, job: work}}{more}]}}
"""


HOURLY = document("0 * * * *")


def times(bench, scope="local"):
    return {row["name"]: row["next_at"][11:16] for row in bench.host.timer.shown(scope)}


async def test_a_deployment_keeps_what_did_not_change():
    async with Bench(compiled_real(HOURLY)) as bench:
        bench.clock.advance(3700)  # the hour is over, and nobody has looked yet
        bench.host.deploy(compiled_real(document("0 * * * *", ", {scheduler: clock, job: other}")))
        assert times(bench) == {"clock:work": "01:00", "clock:other": "02:00"}
        await bench.settle()
        assert [run["workflow"] for run in bench.host.queue.runs("local")] == ["work"]
        bench.host.deploy(compiled_real(document("30 * * * *")))
        assert times(bench) == {"clock:work": "01:30"}
        bench.host.deploy(compiled_real("modules: []"))
        assert times(bench) == {}
        assert bench.host.timer.next_time() is None


async def test_scopes_have_schedules_of_their_own():
    async with Bench() as bench:
        bench.host.deploy(compiled_real(HOURLY), "a")
        bench.host.deploy(compiled_real(document("30 * * * *")), "b")
        bench.clock.advance(1800)
        await bench.settle()
        assert (bench.host.queue.runs("a"), len(bench.host.queue.runs("b"))) == ([], 1)


async def test_a_restart_makes_up_for_what_was_missed_by_one_run(tmp_path):
    path = str(tmp_path / "rows.sqlite")
    async with Bench(compiled_real(HOURLY), path=path):
        pass
    async with Bench(path=path) as later:
        later.clock.advance(5 * 3600 + 60)
        later.host.deploy(compiled_real(HOURLY))
        await later.settle()
        assert len(later.host.queue.runs("local")) == 1
        assert times(later) == {"clock:work": "06:00"}
