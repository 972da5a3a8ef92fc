"""Runs tell of their beginning and their end to whoever subscribes, and to nobody else."""

import pytest

from apps.engine.ports import NewRun
from apps.engine.run.state import Cancelled
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

HEAD = """
modules:
- {name: server, type: http.server}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
workflows:
  http:
    routes:
    - {method: POST, path: /double, handler: double}
    - {method: POST, path: /quietly, handler: double, record: none}
  pipelines:
    double: {steps: [{set: {total: "${data.n * 2}"}}]}
    broken: {steps: [{validate: {schema: {type: object, required: [never]}}}]}
    note: {steps: [{set: {noted: true}}]}
    echo: {steps: [{emit: audit.noted, payload: {about: "${data.action}"}}]}
"""


def listening(*topics: str, handler: str = "note") -> str:
    lines = "".join(f"    - {{topic: {topic!r}, handler: {handler}}}\n" for topic in topics)
    return f"{HEAD}  messaging:\n    subscriptions:\n{lines}"


def told(here: Bench, scope: str = "local") -> list[tuple[str, str]]:
    return [
        (message["topic"], message["payload"].get("action", ""))
        for message in here.host.queue.messages(scope)
        if message["topic"].startswith("workflow.")
    ]


async def test_a_request_tells_of_its_beginning_and_its_end_to_its_own_listener():
    async with Bench(compiled(listening("workflow.http.*"))) as here:
        here.host.deploy(compiled(listening("workflow.http.*")), "other")
        assert (await here.request("POST", "/double", body={"n": 2})).status == 200
        await here.settle()
        first, second = (message["payload"] for message in here.host.queue.messages("local"))
        assert (first["status"], first["data"], first["workflow"]) == ("started", {"n": 2}, "double")
        assert (second["status"], second["results"]["total"], second["action"]) == ("completed", 4, "POST /double")
        assert first["timestamp"] <= second["timestamp"]
        assert [run["status"] for run in here.host.queue.runs("local", source="message")] == ["done", "done"]
        assert told(here, "other") == []


async def test_nothing_is_told_that_nobody_takes_in():
    async with Bench(compiled(listening("workflow.http.failed"))) as here:
        await here.request("POST", "/double", body={"n": 2})
        await here.request("POST", "/quietly", body={"n": 2})
        await here.settle()
        assert here.host.queue.messages("local") == []


async def test_a_request_that_leaves_no_row_tells_nothing():
    async with Bench(compiled(listening("workflow.http.*"))) as here:
        await here.request("POST", "/quietly", body={"n": 2})
        assert told(here) == []


@pytest.mark.spec("SPINE-B4")
async def test_a_run_tells_that_it_was_begun_and_how_it_ended():
    async with Bench(compiled(listening("workflow.pipelines.*"))) as here:
        for name in ("double", "broken"):
            await here.host.start_run(NewRun(f"pipeline:{name}", {"n": 1}, "pipelines", action=name))
        assert told(here) == []
        await here.settle()
        assert told(here) == [
            ("workflow.pipelines.started", "double"),
            ("workflow.pipelines.completed", "double"),
            ("workflow.pipelines.started", "broken"),
            ("workflow.pipelines.failed", "broken"),
        ]


async def test_a_run_that_is_cancelled_tells_that_it_failed():
    async with Bench(compiled(listening("workflow.pipelines.*"))) as here:
        run_id = await here.host.start_run(NewRun("pipeline:double", {}, "pipelines", delay_seconds=9))
        assert here.host.tell(run_id, Cancelled())
        assert [topic for topic, _ in told(here)] == ["workflow.pipelines.failed"]


async def test_what_follows_from_a_lifecycle_event_has_none_of_its_own():
    text = listening("workflow.**", handler="echo") + "    - {topic: audit.noted, handler: note}\n"
    async with Bench(compiled(text)) as here:
        await here.host.start_run(NewRun("pipeline:double", {"n": 1}, "pipelines", action="double"))
        await here.settle()
        assert {topic for topic, _ in told(here)} == {"workflow.pipelines.started", "workflow.pipelines.completed"}
        topics = [message["topic"] for message in here.host.queue.messages("local")]
        assert topics.count("audit.noted") == 2
        assert {run["status"] for run in here.host.queue.runs("local")} == {"done"}
