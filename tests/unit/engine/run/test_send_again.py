"""A failed run that is tried again does the step that failed once more, with what that step was given, and goes on."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from apps.engine.module import Effect
from apps.engine.run.decide import decide
from apps.engine.run.program import END, Program, Step, Variables
from apps.engine.run.state import Claimed, Done, Failed, RunState, SendAgain, Status
from apps.engine.testing import Bench
from tests.support.documents import compiled_real
from tests.support.small_modules import compiled
from tests.unit.engine.machines import HOOK, Shop, document, step

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RUN = UUID("0190aaaa-0000-7000-8000-000000000001")
ERROR = {"code": "t.no", "message": "no"}
PIPELINE = """  pipelines:
    refund:
      steps:
        - {name: before, set: {taken: 1}}
        - {name: send, uses: sender, with: {id: "${data.%s}", amount: "${data.amount}", taken: "${data.taken}"}}
        - set: {done: true}
"""
MESSAGES = f"""
modules:
- {{name: b, type: messaging.broker}}
- {{name: sender, type: test.sender}}
- {{name: log, type: messaging.handler}}
workflows:
{PIPELINE % "id"}"""
SENT = {"id": "7", "amount": 5, "taken": 1}


async def revived(bench: Bench) -> None:
    """Try the first failed run again, and let everything end."""
    failed = [run for run in bench.host.queue.runs("local") if run["status"] == "failed"]
    assert [run["error"]["code"] for run in failed] == ["sender.refused"]
    assert bench.host.tell(UUID(failed[0]["id"]), SendAgain())
    await bench.settle()


@pytest.mark.spec("processing.step", "CAT-B2")
async def test_a_processing_step_whose_pipeline_failed_is_done_again_with_what_it_was_given():
    text = document(HOOK, modules=step("refund", success_transition="passed"), sections=PIPELINE % "workflowId")
    async with Shop(text) as shop:
        shop.bench.http.answer(400)
        await shop.apply("7", "check", {"amount": 5})
        await shop.bench.settle()
        assert (await shop.instance("7")).error
        await revived(shop.bench)
        assert [call.json() for call in shop.bench.http.calls] == [SENT, SENT]
        assert len({call.headers["webhook-id"] for call in shop.bench.http.calls}) == 1
        found = await shop.instance("7")
        assert (found.state, found.error, found.data) == ("checked", None, {"amount": 5, "taken": 1, "done": True})
        assert [run["status"] for run in shop.runs()] == ["done"]


@pytest.mark.spec("processing.step", "CAT-B2")
async def test_a_step_that_was_tried_several_times_is_really_done_again():
    text = document(HOOK, modules=step("refund", success_transition="passed"), sections=PIPELINE % "workflowId")
    async with Shop(text) as shop:
        for status in (503, 503):
            shop.bench.http.answer(status)
        await shop.apply("7", "check", {"amount": 5})
        await shop.bench.settle()
        (run,) = shop.runs()
        assert (run["status"], run["error"]["code"]) == ("failed", "sender.busy")
        assert shop.bench.host.tell(UUID(run["id"]), SendAgain())
        await shop.bench.settle()
        assert [call.json() for call in shop.bench.http.calls] == [SENT] * 3
        assert (await shop.instance("7")).state == "checked"


@pytest.mark.spec("CAT-B2")
async def test_a_message_whose_pipeline_failed_is_handled_again_and_forwarded_once_to_each_side():
    text = f"""{MESSAGES}
  messaging:
    broker: b
    producers: [{{name: refund, forwardTo: [out, out-errors]}}]
    subscriptions:
    - {{topic: t, handler: refund}}
    - {{topic: out, handler: log}}
    - {{topic: out-errors, handler: log}}
"""
    async with Bench(compiled(text)) as bench:
        bench.http.answer(400)
        async with bench.host.unit() as unit:
            unit.broker.publish("t", {"id": "7", "amount": 5})
        await bench.settle()
        await revived(bench)
        assert [call.json() for call in bench.http.calls] == [SENT, SENT]
        runs = bench.host.queue.runs("local")
        assert {run["status"] for run in runs} == {"done"}
        assert sorted(run["action"] for run in runs) == ["out", "out-errors", "t"]


@pytest.mark.spec("scheduler.cron", "CAT-B2")
async def test_a_job_whose_pipeline_failed_is_done_again_with_what_it_was_given():
    text = """
modules:
- {name: hours, type: scheduler.cron, config: {cronExpression: "0 * * * *"}}
- {name: runs, type: job.store}
- {name: notify, type: webhook.sender, config: {url: "https://partner.example/hook"}}
workflows:
  scheduler: {jobs: [{scheduler: hours, job: tidy}]}
  pipelines:
    tidy: {steps: [{name: send, uses: notify, with: {n: "${data.n}"}}, {set: {done: true}}]}
"""
    async with Bench(compiled_real(text)) as bench:
        bench.http.answer(404)
        run_id = await bench.host.start_run(bench.host.application().resolve("scheduler", "hours:tidy", {"n": 1}))
        await bench.settle()
        assert bench.host.queue.run("local", run_id)["status"] == "failed"
        assert bench.host.tell(run_id, SendAgain())
        await bench.settle()
        run = bench.host.queue.run("local", run_id)
        assert [call.json() for call in bench.http.calls] == [{"n": 1}] * 2
        assert (run["status"], run["output"]["success"], run["output"]["result"]["done"]) == ("done", True, True)
        async with bench.host.unit() as unit:
            (kept,) = await unit.resources.page("runs:jobs")
        assert [line["status"] for line in kept.data["runs"]] == ["success"]


def two_steps_and_a_tail() -> Program:
    return Program(
        "pipeline:p",
        (
            Step(0, "first", "uses", print, effect=Effect.IDEMPOTENT, on_error=2),
            Step(1, "second", "uses", print, effect=Effect.IDEMPOTENT, on_error=2),
            Step(2, "tail", "settle", print),
        ),
    )


def stored(state: RunState) -> RunState:
    """Return what is read of a state after it was written."""
    return RunState.from_dict(RUN, orjson.loads(orjson.dumps(state.as_dict())))


def begun(position: int, attempt: int) -> RunState:
    state = RunState.start(RUN, "pipeline:p", {"n": 1}, NOW)
    state.status, state.position, state.step_attempt = Status.CLAIMED, position, attempt
    state.variables.frames = (dict(state.variables.names),)
    state.variables.data = {"n": 2}
    return state


def tidied(state: RunState, error: dict | None = None) -> Variables:
    """Return the variables as a tail leaves them."""
    variables = Variables({"n": 1})
    variables.remember("tail", "tidied")
    variables.error = error or state.variables.error
    return variables


def test_what_a_step_was_given_outlives_the_tail_and_being_stored():
    program, before = two_steps_and_a_tail(), begun(1, 3)
    failed, _ = decide(program, before, Failed(ERROR), NOW)
    failed = stored(failed)
    ended, _ = decide(program, failed, Done(tidied(failed), None, END), NOW)
    state, _ = decide(program, stored(ended), SendAgain(), NOW)
    assert (state.status, state.position, state.step_attempt, state.error) == (Status.READY, 1, 4, None)
    assert state.variables.names == before.variables.names
    assert state.variables.frames == before.variables.frames
    assert "failed_at" not in state.as_dict()


def test_a_tail_that_failed_after_a_failure_leads_back_to_the_first():
    program = two_steps_and_a_tail()
    failed, _ = decide(program, begun(0, 1), Failed(ERROR), NOW)
    ended, _ = decide(program, failed, Failed({"code": "t.tail", "message": "no"}), NOW)
    assert ended.error["step"] == "tail"
    state, _ = decide(program, ended, SendAgain(), NOW)
    assert (state.position, state.step_attempt, state.variables.data) == (0, 2, {"n": 2})


def test_a_failure_that_was_dealt_with_is_forgotten():
    program = two_steps_and_a_tail()
    failed, _ = decide(program, begun(0, 1), Failed(ERROR), NOW)
    answered, _ = decide(program, failed, Done(Variables({"n": 3}), None, 1), NOW)
    ended, _ = decide(program, answered, Done(Variables({"n": 4}), None, 2), NOW)
    ended, _ = decide(program, ended, Failed(ERROR), NOW)
    state, _ = decide(program, ended, SendAgain(), NOW)
    assert (state.position, state.variables.data) == (2, {"n": 4})


def test_an_answer_that_was_judged_a_failure_is_asked_for_anew_with_a_new_attempt_and_nothing_left():
    program, state = two_steps_and_a_tail(), begun(0, 3)
    went_on, _ = decide(program, state, Done(Variables({"n": 1}), "no", 2), NOW)
    judged = tidied(went_on, {**ERROR, "step": "first"})
    ended, _ = decide(program, stored(went_on), Done(judged, None, END), NOW)
    again, _ = decide(program, stored(ended), SendAgain(), NOW)
    assert (again.position, again.step_attempt) == (0, 4)
    assert (again.variables.data, again.variables.steps, again.variables.error) == ({"n": 1}, {}, None)


def test_what_is_in_doubt_after_a_failure_is_sent_again_as_it_was():
    program = two_steps_and_a_tail()
    failed, _ = decide(program, begun(0, 1), Failed(ERROR), NOW)
    failed.status = Status.UNKNOWN
    state, _ = decide(program, failed, SendAgain(), NOW)
    assert (state.position, state.step_attempt, state.variables.error["code"]) == (2, 2, "t.no")
    claimed, _ = decide(program, stored(state), Claimed(), NOW)
    assert claimed.failed_at.position == 0
