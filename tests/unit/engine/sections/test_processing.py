"""Hooks with effects and processing steps: what follows a transition after its commit."""

from uuid import UUID, uuid4

import pytest

from apps.engine.module import Context
from apps.engine.run.state import SendAgain
from apps.engine.testing import Bench
from tests.support.documents import compiled_real
from tests.unit.engine.machines import AUTO, HOOK, MACHINE, Shop, document, step


@pytest.mark.spec("D4", "SPINE-B6.13")
async def test_a_hook_with_effects_runs_after_the_commit_as_a_run_of_its_own():
    async with Shop(document("    - {handler: sender, transitions: [check]}")) as shop:
        await shop.apply("7", "check", {"n": 1})
        assert (await shop.instance("7")).state == "checking"
        assert shop.bench.http.calls == []
        await shop.bench.settle()
        assert shop.bench.http.calls[0].json()["transitionId"] == "check"
        run = shop.runs()[0]
        assert (run["entry"], run["source"], run["correlation"], run["status"]) == (
            "step:order:0", "hook", "7", "done",
        )  # fmt: skip


@pytest.mark.spec("D4", "SPINE-B4", "SPINE-B6.13")
async def test_a_processing_step_merges_its_result_and_fires_the_success_transition():
    async with Shop(document(HOOK, modules=step(success_transition="passed"))) as shop:
        await shop.apply("7", "check", {"n": 1})
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.data) == ("checked", {"n": 1, "sent": 200})
        sent = shop.bench.http.calls[0].json()
        assert (sent["n"], sent["workflowId"], sent["transitionId"], sent["toState"]) == (1, "7", "check", "checking")


@pytest.mark.spec("CAT-B2.3")
@pytest.mark.parametrize("answers", [(), (503,)])
async def test_an_order_that_a_stop_left_between_two_states_goes_on_after_the_start(answers, tmp_path):
    text = document(HOOK, AUTO, modules=step(success_transition="passed"))
    async with Shop(text, str(tmp_path / "shop.db")) as shop:
        for status in answers:
            shop.bench.http.answer(status)
        await shop.apply("7", "check", {"amount": 1})
        for _ in answers:  # the step has been tried and waits for another try
            await shop.bench.host.drain()
        assert (await shop.instance("7")).state == "checking"
    async with Shop(text, str(tmp_path / "shop.db")) as shop:
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "paid"
        assert await shop.history("7") == ["check", "passed", "pay"]


@pytest.mark.spec("SPINE-B6.9")
async def test_a_processing_step_retries_with_one_key_then_succeeds():
    async with Shop(document(HOOK, modules=step(success_transition="passed", max_retries=3))) as shop:
        shop.bench.http.answer(503)
        shop.bench.http.unreachable()
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "checked"
        assert len({call.headers["webhook-id"] for call in shop.bench.http.calls}) == 1
        assert [line["state"] for line in shop.runs()[0]["steps"]] == ["waiting", "waiting", "done", "done"]


@pytest.mark.spec("D5", "SPINE-B4.10", "CAT-B2.3")
async def test_after_the_final_failure_the_compensating_transition_lands():
    async with Shop(document(HOOK, modules=step(compensate_transition="failed"))) as shop:
        shop.bench.http.answer(503)
        shop.bench.http.answer(503)
        await shop.apply("7", "check")
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.completed, found.error) == ("rejected", True, "answered 503")
        assert shop.runs()[0]["status"] == "failed"
        assert await shop.history("7") == ["check", "failed"]


@pytest.mark.spec("D5", "SPINE-B4.10", "CAT-B2.3")
async def test_without_a_compensating_transition_the_instance_shows_the_error():
    async with Shop(document(HOOK, modules=step())) as shop:
        shop.bench.http.answer(400)
        await shop.apply("7", "check")
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.error) == ("checking", "answered 400")
        assert shop.runs()[0]["error"]["code"] == "sender.refused"


@pytest.mark.spec("D6", "SPINE-B4.10", "CAT-B2.3")
@pytest.mark.parametrize(
    ("result", "state"),
    [
        ("{available: false, reason: out_of_stock}", "rejected"),
        ("{status: declined}", "rejected"),
        ("{status: ERROR}", "rejected"),
        ("{status: approved, available: true}", "checked"),
        ("{anything: 1}", "checked"),
    ],
)
async def test_an_answer_that_means_failure_compensates(result, state):
    pipelines = f"  pipelines:\n    work:\n      steps:\n      - emit: worked\n      - respond: {{body: {result}}}\n"
    modules = step("work", success_transition="passed", compensate_transition="failed")
    async with Shop(document(HOOK, modules=modules, sections=pipelines)) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == state
        assert shop.runs()[0]["status"] == "done"


@pytest.mark.spec("D6")
@pytest.mark.parametrize(("score", "state"), [(10, "checked"), (1, "rejected")])
async def test_success_when_decides_instead_of_the_usual_words(score, state):
    pipelines = f"  pipelines:\n    work:\n      steps:\n      - respond: {{body: {{status: error, score: {score}}}}}\n"
    modules = step("work", success_transition="passed", compensate_transition="failed", success_when="data.score > 5")
    async with Shop(document(HOOK, modules=modules, sections=pipelines)) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == state


@pytest.mark.spec("D6")
async def test_an_answer_that_means_failure_and_nothing_to_compensate_with_marks_the_instance():
    pipelines = "  pipelines:\n    work:\n      steps:\n      - respond: {body: {available: false}}\n"
    async with Shop(document(HOOK, modules=step("work"), sections=pipelines)) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert (await shop.instance("7")).error == "not available"
        assert shop.runs()[0]["error"]["code"] == "step.failed_as_result"


@pytest.mark.spec("D7")
async def test_a_success_transition_that_led_here_or_is_done_already_is_ignored_and_the_result_kept():
    async with Shop(document(HOOK, modules=step(success_transition="check"))) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.data, found.error) == ("checking", {"sent": 200}, None)
    async with Shop(document(HOOK, modules=step(success_transition="passed"))) as shop:
        await shop.apply("7", "check")
        await shop.apply("7", "passed")
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.data["sent"]) == ("checked", 200)
        assert shop.runs()[0]["status"] == "done"


async def test_a_success_transition_whose_condition_does_not_hold_marks_the_instance():
    modules = step(success_transition="passed")
    machine = MACHINE.replace("toState: checked}", "toState: checked, condition: data.ok}")
    async with Shop(document(HOOK, machine, modules)) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        found = await shop.instance("7")
        assert found.state == "checking"
        assert "condition of passed" in found.error
        assert shop.runs()[0]["error"]["code"] == "transition.condition"


async def test_a_compensating_transition_that_is_refused_marks_the_instance_too():
    machine = MACHINE.replace("toState: rejected}", "toState: rejected, condition: data.ok}")
    async with Shop(document(HOOK, machine, step(compensate_transition="failed"))) as shop:
        shop.bench.http.answer(400)
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert "condition of failed" in (await shop.instance("7")).error


async def test_a_failed_step_that_is_tried_again_clears_the_error_and_goes_on():
    async with Shop(document(HOOK, modules=step(success_transition="passed"))) as shop:
        shop.bench.http.answer(400)
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert shop.bench.host.tell(UUID(shop.runs()[0]["id"]), SendAgain())
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.error) == ("checked", None)
        assert shop.runs()[0]["status"] == "done"


async def test_a_hook_that_succeeds_after_an_end_in_error_leaves_the_error_where_it_is():
    hooks = "    - {workflowType: order, toStates: [rejected], handler: sender}"
    async with Shop(document(hooks)) as shop:
        await shop.apply("7", "check")
        await shop.apply("7", "failed", {"error": "no such address"})
        await shop.bench.settle()
        assert [(run["source"], run["status"]) for run in shop.runs()] == [("hook", "done")]
        found = await shop.instance("7")
        assert (found.state, found.completed, found.error) == ("rejected", True, "no such address")


async def test_several_hooks_with_effects_run_one_after_the_other_in_file_order():
    listed = ("{handler: sender, transitions: [check]}", "{handler: step, transitions: [check]}", "{handler: once}")
    hooks = "\n".join(f"    - {hook}" for hook in listed)
    async with Shop(document(hooks, modules=step(success_transition="passed"))) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert [run["entry"] for run in shop.runs()] == ["step:order:0", "step:order:1", "step:order:2", "step:order:2"]
        assert (await shop.instance("7")).state == "checked"


async def test_the_first_failing_hook_stops_those_behind_it():
    hooks = "    - {handler: sender}\n    - {handler: once}"
    async with Shop(document(hooks)) as shop:
        shop.bench.http.answer(400)
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert [run["entry"] for run in shop.runs()] == ["step:order:0"]


async def test_a_result_for_an_instance_that_is_gone_is_dropped():
    async with Shop(document(HOOK, modules=step(success_transition="passed"))) as shop:
        await shop.apply("7", "check")
        shop.bench.host.store.run("delete from instance")
        await shop.bench.settle()
        assert shop.runs()[0]["steps"][-1]["output"] == {"dropped": True}


@pytest.mark.spec("SPINE-B4.9")
async def test_an_automatic_transition_waits_for_the_processing_steps():
    async with Shop(document(HOOK, AUTO, step())) as shop:
        await shop.apply("7", "check", {"amount": 1})
        await shop.bench.settle()
        assert [run["entry"] for run in shop.runs()] == ["step:order:0", "auto:order", "auto:order"]
        assert (await shop.instance("7")).state == "paid"


@pytest.mark.spec("SPINE-B4")
async def test_a_pipeline_as_a_component_leaves_the_events_own_keys_out_of_the_data():
    work = "  pipelines:\n    work: {steps: [{set: {worked: true, toState: '${data.place}'}}]}\n"
    text = document(HOOK, modules=step("work", success_transition="passed"), sections=work)
    async with Shop(text) as shop:
        await shop.apply("7", "check", {"n": 1, "place": "shelf"})
        await shop.bench.settle()
        found = await shop.instance("7")
        assert found.state == "checked"
        assert found.data == {"n": 1, "place": "shelf", "worked": True, "toState": "shelf"}


@pytest.mark.spec("D5", "CAT-B1")
@pytest.mark.parametrize(("own", "tries"), [("", 3), (", retry: {attempts: 2}", 2)])
async def test_the_retries_of_a_processing_step_hold_for_the_modules_of_its_pipeline(own, tries):
    """They go before what a module brings along (here one try), and behind what a step of the pipeline says."""
    sections = f"  pipelines:\n    work: {{steps: [{{uses: patient{own}}}]}}\n"
    modules = "- {name: patient, type: test.patient}\n" + step("work", max_retries=2, compensate_transition="failed")
    async with Shop(document(HOOK, modules=modules, sections=sections)) as shop:
        for _ in range(4):
            shop.bench.http.answer(503)
        await shop.apply("7", "check", {"n": 1})
        await shop.bench.settle()
        assert len(shop.bench.http.calls) == tries
        assert (await shop.instance("7")).state == "rejected"


@pytest.mark.spec("D5", "D9", "CAT-B1", "webhook.sender")
@pytest.mark.parametrize(
    ("sender", "own", "steps", "tries"),
    [
        ("", "", "maxRetries: 1", 2),  # nothing nearer: the processing step's
        ("", "", "", 3),
        (", maxRetries: 5", "", "maxRetries: 1", 6),  # the module's config is nearer than the processing step
        (", maxRetries: '0'", "", "", 1),
        (", initialBackoff: 2s", "", "", 4),
        (", maxRetries: 5", ", retry: {attempts: 2}", "maxRetries: 3", 2),  # the step in the pipeline is nearest
    ],
)
async def test_of_the_retries_that_are_written_those_nearest_to_the_call_hold(sender, own, steps, tries):
    sections = f"  pipelines:\n    work: {{steps: [{{uses: hook{own}}}]}}\n"
    assert await tries_of("work", sender, steps, sections) == tries


@pytest.mark.spec("D5", "CAT-B1", "webhook.sender")
@pytest.mark.parametrize(
    ("sender", "steps", "tries"),
    [("", "", 3), (", maxRetries: 5", "", 6), (", maxRetries: 5", "maxRetries: 1", 2), ("", "retryBackoffMs: 5", 3)],
)
async def test_a_processing_step_that_says_no_retries_takes_those_written_at_the_module_it_calls(sender, steps, tries):
    assert await tries_of("hook", sender, steps) == tries


async def tries_of(component: str, sender: str, steps: str, sections: str = "") -> int:
    """Return how often a partner who is never there is asked."""
    text = f"""
modules:
- {{name: engine, type: statemachine.engine}}
- {{name: hook, type: webhook.sender, config: {{url: "https://partner.example/hook"{sender}}}}}
- name: step
  type: processing.step
  config: {{componentId: {component}, compensateTransition: failed{steps and ", " + steps}}}
workflows:
  statemachine:
    engine: engine
{MACHINE}
    hooks:
{HOOK}
{sections}"""
    async with Bench(compiled_real(text)) as bench:
        for _ in range(20):
            bench.http.answer(503)
        async with bench.host.unit() as unit:
            machine = bench.host.application().machines["order"]
            await machine.apply(Context(unit, run_id=uuid4()), "7", "check", {"n": 1})
        await bench.settle()
        return len(bench.http.calls)
