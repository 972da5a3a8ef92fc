"""State machines: transitions, hooks, processing steps, compensation, automatic transitions."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from apps.engine.module import Context
from apps.engine.outcome import Rejected, StepFailed
from apps.engine.ports import AlreadyExists, Resource
from apps.engine.run.state import SendAgain
from apps.engine.sections.statemachine import payload_of
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

MODULES = """
modules:
- {name: broker, type: messaging.broker}
- {name: engine, type: statemachine.engine}
- {name: inbox, type: messaging.handler}
- {name: refusing, type: test.refusing}
- {name: sender, type: test.sender}
- {name: once, type: test.once}
"""
MACHINE = """
    definitions:
    - name: order
      initialState: new
      states:
        new: {}
        checking: {}
        checked: {}
        paid: {}
        shipped: {isFinal: true}
        rejected: {isFinal: true, isError: true}
      transitions:
        check: {fromState: new, toState: checking}
        passed: {fromState: checking, toState: checked}
        failed: {fromState: checking, toState: rejected}
        pay: {fromState: checked, toState: paid, condition: data.amount > 0}
        ship: {fromState: paid, toState: shipped}
"""


def document(hooks: str = "", machine: str = MACHINE, modules: str = "", more: str = "", sections: str = "") -> str:
    return f"""{MODULES}{modules}
workflows:
  statemachine:
    engine: engine
{more}{machine}
    hooks:{(hooks and chr(10) + hooks) or " []"}
{sections}"""


class Shop:
    """A bench with one machine and the way to move its instances."""

    def __init__(self, text: str) -> None:
        self.bench = Bench(compiled(text))
        self.machine = self.bench.host.application().machines["order"]

    async def apply(self, key, transition, data=None, **more):
        async with self.bench.host.unit() as unit:
            return await self.machine.apply(Context(unit, run_id=uuid4()), key, transition, data, **more)

    async def create(self, key, data=None):
        async with self.bench.host.unit() as unit:
            return await self.machine.create(Context(unit, run_id=uuid4()), key, data)

    async def instance(self, key):
        async with self.bench.host.unit() as unit:
            return await unit.instances.get("order", key)

    async def history(self, key):
        async with self.bench.host.unit() as unit:
            return [line["transition"] for line in await unit.instances.history("order", key)]

    def runs(self):
        return self.bench.host.queue.runs("local")

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await self.bench.host.close()


@pytest.mark.spec("SPINE-B4")
async def test_a_transition_moves_the_instance_merges_data_and_is_remembered():
    async with Shop(document()) as shop:
        await shop.create("7", {"a": 1})
        applied = await shop.apply("7", "check", {"b": 2})
        assert (applied.from_state, applied.to_state, applied.created) == ("new", "checking", False)
        found = await shop.instance("7")
        assert (found.state, found.previous_state, found.data, found.completed) == (
            "checking", "new", {"a": 1, "b": 2}, False,
        )  # fmt: skip
        assert await shop.history("7") == ["check"]


async def test_an_instance_that_is_not_there_is_made_or_refused():
    async with Shop(document()) as shop:
        assert (await shop.apply("7", "check", {"a": 1})).created
        with pytest.raises(Rejected) as refusal:
            await shop.apply("8", "check", create=False)
        assert (refusal.value.code, refusal.value.status) == ("instance.unknown", 404)
        with pytest.raises(AlreadyExists):
            await shop.create("7")


async def test_an_unknown_transition_is_refused_with_the_known_ones():
    async with Shop(document()) as shop:
        with pytest.raises(Rejected, match="check, passed") as refusal:
            await shop.apply("7", "fly")
        assert refusal.value.code == "transition.unknown"


async def test_a_wrong_state_is_refused_with_expected_and_actual():
    async with Shop(document()) as shop:
        await shop.create("7")
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "pay")
        assert (refusal.value.code, refusal.value.status) == ("transition.wrong_state", 400)
        assert "expected state checked, actual state new" in refusal.value.errors[0]["message"]


async def test_a_completed_instance_is_refused_as_such():
    async with Shop(document()) as shop:
        await shop.apply("7", "check")
        await shop.apply("7", "failed", {"error": "too big"})
        found = await shop.instance("7")
        assert (found.completed, found.error) == (True, "too big")
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "pay")
        assert refusal.value.code == "instance.completed"


@pytest.mark.spec("D27")
async def test_a_condition_is_evaluated_over_instance_and_transition_data():
    async with Shop(document()) as shop:
        await shop.apply("7", "check", {"amount": 0})
        await shop.apply("7", "passed")
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "pay")
        assert refusal.value.code == "transition.condition"
        assert (await shop.apply("7", "pay", {"amount": 5})).to_state == "paid"


async def test_two_at_once_one_wins_and_the_other_is_refused():
    async with Shop(document()) as shop:
        await shop.create("7")
        found = await asyncio.gather(shop.apply("7", "check"), shop.apply("7", "check"), return_exceptions=True)
        assert sorted(type(each).__name__ for each in found) == ["Applied", "Rejected"]
        assert await shop.history("7") == ["check"]


async def test_available_transitions_leave_the_state_and_hold():
    async with Shop(document()) as shop:
        assert shop.machine.available(await shop.create("7")) == ["check"]
        await shop.apply("7", "check", {"amount": 0})
        await shop.apply("7", "passed")
        assert shop.machine.available(await shop.instance("7")) == []


@pytest.mark.parametrize(
    ("hook", "called"),
    [
        ("{handler: inbox}", ["check", "passed"]),
        ("{workflowType: order, handler: inbox, transitions: [check]}", ["check"]),
        ("{workflowType: other, handler: inbox}", []),
        ("{handler: inbox, fromStates: [checking]}", ["passed"]),
        ("{handler: inbox, toStates: [checking, checked], transitions: [passed]}", ["passed"]),
    ],
)
async def test_hooks_match_by_type_transition_and_states(hook, called):
    sections = "  messaging:\n    subscriptions: []\n    producers: [{name: inbox, forwardTo: [heard]}]\n"
    async with Shop(document(f"    - {hook}", sections=sections)) as shop:
        await shop.apply("7", "check")
        await shop.apply("7", "passed")
        heard = [message["payload"]["transition"] for message in shop.bench.host.queue.messages("local")]
        assert heard == called


async def test_a_message_handler_as_hook_gets_the_short_form():
    sections = "  messaging:\n    subscriptions: []\n    producers: [{name: inbox, forwardTo: [heard]}]\n"
    async with Shop(document("    - {handler: inbox}", sections=sections)) as shop:
        await shop.apply("7", "check")
        assert shop.bench.host.queue.messages("local")[0]["payload"] == {
            "workflowId": "order",
            "instanceId": "7",
            "transition": "check",
            "fromState": "new",
            "toState": "checking",
        }


def test_the_other_forms_carry_data_and_event():
    event = {
        "workflowId": "7", "workflowType": "order", "transitionId": "check", "fromState": "a", "toState": "b",
        "timestamp": "t", "data": {"n": 1, "fromState": "mine"}, "remaining": [],
    }  # fmt: skip
    known = {key: event[key] for key in ("workflowId", "workflowType", "transitionId", "fromState", "toState")}
    assert payload_of("flat", event) == {"n": 1, **known}
    assert payload_of("event", event) == {**known, "timestamp": "t", "data": event["data"]}


async def test_a_pure_hook_may_veto_and_then_nothing_has_changed():
    async with Shop(document("    - {handler: refusing}")) as shop:
        await shop.create("7")
        with pytest.raises(Rejected, match="not today") as refusal:
            await shop.apply("7", "check", {"refuse": True})
        assert refusal.value.code == "transition.vetoed"
        assert (await shop.instance("7")).state == "new"
        assert (await shop.apply("7", "check")).to_state == "checking"


async def test_a_pure_pipeline_may_veto_too():
    pipelines = "  pipelines:\n    guard:\n      steps:\n      - validate: {schema: {required: [amount]}}\n"
    async with Shop(document("    - {handler: guard}", sections=pipelines)) as shop:
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "check")
        assert refusal.value.errors
        await shop.apply("7", "check", {"amount": 1})


async def test_a_vetoing_hook_has_two_seconds(monkeypatch):
    monkeypatch.setattr("apps.engine.sections.statemachine.VETO_SECONDS", 0.01)
    async with Shop(document("    - {handler: refusing}")) as shop:

        async def never(payload, context):
            await asyncio.Event().wait()

        shop.machine.hooks = tuple(_with_veto(hook, never) for hook in shop.machine.hooks)
        with pytest.raises(StepFailed) as failure:
            await shop.apply("7", "check")
        assert (failure.value.code, failure.value.status) == ("hook.timeout", 503)


def _with_veto(hook, veto):
    return replace(hook, veto=veto)


@pytest.mark.spec("D4")
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


STEP = "- {{name: step, type: processing.step, config: {{component_id: {target}, {more}}}}}\n"


def step(target: str = "sender", **more: object) -> str:
    settings = {"max_retries": 1, "retry_backoff_ms": 10} | more
    return STEP.format(target=target, more=", ".join(f"{key}: {value}" for key, value in settings.items()))


HOOK = "    - {handler: step, transitions: [check]}"


@pytest.mark.spec("D4", "SPINE-B4")
async def test_a_processing_step_merges_its_result_and_fires_the_success_transition():
    async with Shop(document(HOOK, modules=step(success_transition="passed"))) as shop:
        await shop.apply("7", "check", {"n": 1})
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.data) == ("checked", {"n": 1, "sent": 200})
        sent = shop.bench.http.calls[0].json()
        assert (sent["n"], sent["workflowId"], sent["transitionId"], sent["toState"]) == (1, "7", "check", "checking")


async def test_a_processing_step_retries_with_one_key_then_succeeds():
    async with Shop(document(HOOK, modules=step(success_transition="passed", max_retries=3))) as shop:
        shop.bench.http.answer(503)
        shop.bench.http.unreachable()
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "checked"
        assert len({call.headers["webhook-id"] for call in shop.bench.http.calls}) == 1
        assert [line["state"] for line in shop.runs()[0]["steps"]] == ["waiting", "waiting", "done", "done"]


@pytest.mark.spec("D5")
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


@pytest.mark.spec("D5")
async def test_without_a_compensating_transition_the_instance_shows_the_error():
    async with Shop(document(HOOK, modules=step())) as shop:
        shop.bench.http.answer(400)
        await shop.apply("7", "check")
        await shop.bench.settle()
        found = await shop.instance("7")
        assert (found.state, found.error) == ("checking", "answered 400")
        assert shop.runs()[0]["error"]["code"] == "sender.refused"


@pytest.mark.spec("D6")
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


AUTO = MACHINE.replace("toState: checked}", "toState: checked, autoTransform: true}").replace(
    "toState: paid, condition: data.amount > 0}", "toState: paid, autoTransform: true, condition: data.amount > 0}"
)


@pytest.mark.spec("D26")
async def test_automatic_transitions_follow_one_by_one():
    async with Shop(document(machine=AUTO)) as shop:
        await shop.apply("7", "check", {"amount": 1})
        assert (await shop.instance("7")).state == "checking"
        await shop.bench.settle()
        assert await shop.history("7") == ["check", "passed", "pay"]
        assert {run["source"] for run in shop.runs()} == {"auto"}


@pytest.mark.spec("D26")
async def test_of_several_automatic_transitions_the_first_possible_one_in_file_order_is_done():
    machine = MACHINE.replace(
        "passed: {fromState: checking, toState: checked}",
        "never: {fromState: checking, toState: paid, autoTransform: true, condition: data.never}\n"
        "        passed: {fromState: checking, toState: checked, autoTransform: true}\n"
        "        other: {fromState: checking, toState: shipped, autoTransform: true}",
    )
    async with Shop(document(machine=machine)) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "checked"


@pytest.mark.spec("D26")
async def test_at_creation_automatic_transitions_wait_unless_auto_start():
    machine = MACHINE.replace("toState: checking}", "toState: checking, autoTransform: true}")
    async with Shop(document(machine=machine)) as shop:
        await shop.create("7")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "new"
    started = machine.replace("initialState: new", "initialState: new\n      autoStart: true")
    async with Shop(document(machine=started)) as shop:
        await shop.create("7")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "checking"


async def test_an_automatic_transition_waits_for_the_processing_steps():
    async with Shop(document(HOOK, AUTO, step())) as shop:
        await shop.apply("7", "check", {"amount": 1})
        await shop.bench.settle()
        assert [run["entry"] for run in shop.runs()] == ["step:order:0", "auto:order", "auto:order"]
        assert (await shop.instance("7")).state == "paid"


async def test_an_automatic_transition_that_comes_too_late_does_nothing():
    async with Shop(document(machine=AUTO)) as shop:
        await shop.apply("7", "check")
        await shop.apply("7", "failed")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "rejected"
        assert shop.runs()[0]["output"] == {"transition": None}


async def test_a_change_is_published_to_those_who_subscribe():
    sections = "  messaging:\n    subscriptions: [{topic: 'statemachine.order.*', handler: inbox}]\n"
    async with Shop(document(sections=sections)) as shop:
        await shop.apply("7", "check", {"n": 1})
        message = shop.bench.host.queue.messages("local")[0]
        assert (message["topic"], message["key"]) == ("statemachine.order.check", "7")
        assert message["payload"]["data"] == {"n": 1}


async def test_mapped_resources_show_the_state():
    more = "    resourceMappings: [{resourceType: orders, stateMachine: engine, instanceIDKey: number}]\n"
    async with Shop(document(more=more)) as shop:
        async with shop.bench.host.unit() as unit:
            await unit.resources.create(Resource("orders", "A1", {}, "new"))
        await shop.apply("order-A1", "check", {"number": "A1"})
        await shop.apply("nowhere", "check", {"number": "A2"})
        async with shop.bench.host.unit() as unit:
            assert (await unit.resources.get("orders", "A1")).state == "checking"
        assert shop.machine.instance_key({"number": 5}) == "5"


@pytest.mark.parametrize(
    ("data", "key"),
    [({"instanceId": "a", "id": "b"}, "a"), ({"orderId": 5}, "5"), ({"id": ""}, None), ({}, None), ([], None)],
)
async def test_the_instance_id_is_found_in_the_data(data, key):
    async with Shop(document()) as shop:
        assert shop.machine.instance_key(data) == key


async def test_a_race_in_a_transition_run_is_tried_again():
    async with Shop(document()) as shop:
        await shop.create("7")
        host = shop.bench.host
        run = host.application().resolve("order", "check", {"id": "7"})
        await host.start_run(run)
        async with host.unit() as unit:
            await unit.instances.get("order", "7", lock=True)
            await host.drain()
        assert shop.runs()[0]["status"] == "waiting"
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "checking"


async def test_two_scopes_have_instances_of_their_own():
    async with Shop(document()) as shop:
        await shop.create("7")
        async with shop.bench.host.unit("other") as unit:
            assert await unit.instances.get("order", "7") is None
        assert shop.bench.host.application().orphans([("order", "new"), ("order", "gone"), ("no", "x")]) == [
            ("order", "gone"),
            ("no", "x"),
        ]


async def test_an_automatic_transition_none_of_which_is_possible_is_left_for_later():
    machine = MACHINE.replace("toState: checked}", "toState: checked, autoTransform: true, condition: data.ok}")
    async with Shop(document(machine=machine)) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "checking"
        assert shop.runs()[0]["output"] == {"transition": None}


class _Overtaken:
    """Instances of which another unit creates the one that is looked for."""

    def __init__(self, instances, gone: bool) -> None:
        self._instances, self._gone, self._looks = instances, gone, 0

    async def get(self, machine, key, *, lock=False):
        self._looks += 1
        return None if self._looks == 1 or self._gone else await self._instances.get(machine, key, lock=lock)

    async def create(self, instance):
        raise AlreadyExists(instance.key)

    async def save(self, instance, record=None):
        await self._instances.save(instance, record)


@pytest.mark.parametrize("gone", [False, True])
async def test_an_instance_that_somebody_else_creates_first_is_used(gone):
    async with Shop(document()) as shop:
        await shop.create("7", {"of": "other"})
        async with shop.bench.host.unit() as unit:
            unit.instances = _Overtaken(unit.instances, gone)
            context = Context(unit, run_id=uuid4())
            if gone:
                with pytest.raises(AlreadyExists):
                    await shop.machine.apply(context, "7", "check")
            else:
                applied = await shop.machine.apply(context, "7", "check")
                assert (applied.created, applied.instance.data) == (False, {"of": "other"})
