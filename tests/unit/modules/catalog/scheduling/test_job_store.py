import pytest

from apps.engine.outcome import TryAgain
from apps.engine.ports import AlreadyExists
from apps.engine.testing import Bench
from apps.modules.catalog.scheduling.job_store import OTHERS, RUNS_KEPT, JobStore
from tests.support.documents import compiled_real, module_example
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("job.store")


async def kept(unit, key=OTHERS):
    found = await unit.resources.get("thing:jobs", key)
    return found.data["runs"]


async def test_a_message_is_recorded_with_what_it_says_and_nothing_else(unit):
    told = {"job": "a", "scheduler": "s", "status": "failed", "error": "x" * 900, "runId": "r1", "secret": 5}
    line = await make(JobStore, {"storeType": "redis"}).run(told, unit.context())
    assert set(line) == {"job", "scheduler", "status", "error", "runId", "at"}
    assert (line["status"], len(line["error"])) == ("failed", 500)
    assert await kept(unit) == [line]


@pytest.mark.parametrize("payload", [{}, None, "done", [1]])
async def test_a_message_that_says_nothing_is_a_run_that_went_well(unit, payload):
    await make(JobStore).run(payload, unit.context())
    (line,) = await kept(unit)
    assert (line["status"], "job" in line) == ("success", False)


async def test_one_run_is_one_line_however_often_it_is_told(unit):
    store = make(JobStore)
    await store.record_run({"job": "a", "status": "success", "runId": "r"}, unit.context())
    await store.run({"runId": "r", "job": "a", "scheduler": "s"}, unit.context())
    (line,) = await kept(unit)
    assert (line["runId"], line["scheduler"]) == ("r", "s")


async def test_the_last_runs_are_kept(unit):
    store = make(JobStore)
    for number in range(RUNS_KEPT + 5):
        await store.run({"runId": str(number)}, unit.context())
    assert [line["runId"] for line in await kept(unit)] == [str(number) for number in range(5, RUNS_KEPT + 5)]


@pytest.mark.shows("job.store", "failure")
async def test_who_loses_the_race_for_the_first_line_tries_again(unit):
    class Late:
        async def get(self, kind, key, *, lock=False):
            return None

        async def create(self, resource):
            raise AlreadyExists("taken")

    unit.resources = Late()
    with pytest.raises(TryAgain):
        await make(JobStore).run({}, unit.context())


@pytest.mark.shows("job.store", "example")
async def test_the_example_shows_jobs_and_runs_one_now():
    async with Bench(module_example("job_store")) as bench:
        empty = (await bench.request("GET", "/jobs")).json()
        assert (empty["runs"], empty["total"]) == ([], 0)
        assert empty["jobs"] == [
            {
                "job": "count-the-stock",
                "scheduler": "hours",
                "schedule": "0 * * * *",
                "nextRun": "2030-01-01T01:00:00+00:00",
                "lastRun": None,
            }
        ]
        started = await bench.request("POST", "/jobs/run", body={"job": "count-the-stock", "data": {"shelf": 3}})
        assert (started.status, started.json()["job"]) == (202, "count-the-stock")
        await bench.settle()
        shown = (await bench.request("GET", "/jobs")).json()
        (run,) = shown["runs"]
        assert (run["status"], run["runId"]) == ("success", started.json()["runId"])
        assert shown["jobs"][0]["lastRun"] == run
        (message,) = bench.host.queue.messages("local", "jobs.done")
        assert message["payload"]["shelf"] == 3
        bench.clock.advance(3600)
        await bench.settle()
        assert (await bench.request("GET", "/jobs?job=count-the-stock")).json()["total"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/jobs/run", {"job": "nothing"}, 404),
        ("POST", "/jobs/run", {"job": "count-the-stock", "scheduler": "days"}, 404),
        ("POST", "/jobs/run", {"job": 5}, 400),
        ("POST", "/jobs/run", None, 202),
        ("POST", "/jobs/run?job=hours:count-the-stock", None, 202),
        ("GET", "/jobs?job=nothing", None, 404),
        ("DELETE", "/jobs", None, 405),
    ],
)
@pytest.mark.shows("job.store", "failure")
async def test_what_is_asked_for_must_be_there(method, path, body, status):
    async with Bench(module_example("job_store")) as bench:
        assert (await bench.request(method, path, body=body)).status == status


async def test_with_several_jobs_one_must_be_named():
    text = (
        "modules: [{name: s, type: http.server, config: {address: ':1'}}, {name: r, type: http.router}, "
        "{name: c, type: scheduler}, {name: a, type: messaging.handler}, {name: b, type: messaging.handler}, "
        "{name: runs, type: job.store}]\nworkflows: {scheduler: {jobs: [{scheduler: c, job: a}, "
        "{scheduler: c, job: b}]}, http: {routes: [{method: '*', path: /jobs, handler: runs}]}}"
    ).replace("'*'", "POST")
    async with Bench(compiled_real(text)) as bench:
        answer = await bench.request("POST", "/jobs", body={})
        assert (answer.status, answer.json()["code"]) == (400, "job.unnamed")
        assert "c:a, c:b" in answer.json()["detail"]


def test_a_plain_handler_with_a_store_has_effects():
    text = (
        "modules: [{name: s, type: http.server, config: {address: ':1'}}, {name: r, type: http.router}, "
        "{name: runs, type: job.store}, {name: h, type: http.handler, dependsOn: [runs]}]\n"
        "workflows: {http: {routes: [{method: GET, path: /jobs, handler: h}]}}"
    )
    (route,) = [route for route in compiled_real(text).routes.routes if route.source == "section"]
    assert (route.is_pure, route.handler) == (False, "h")
    fixed = text.replace("dependsOn", "config: {body: hi}, dependsOn")
    (route,) = [route for route in compiled_real(fixed).routes.routes if route.source == "section"]
    assert route.is_pure
