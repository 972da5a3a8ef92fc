"""State machines: transitions, conditions, vetoing hooks, automatic transitions, instances."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from apps.engine.module import Context
from apps.engine.outcome import Rejected, StepFailed
from apps.engine.ports import AlreadyExists, Resource
from apps.engine.sections.machine_parts import payload_of
from tests.unit.engine.machines import AUTO, MACHINE, Shop, document


@pytest.mark.spec("SPINE-B4", "SPINE-B4.8", "CAT-B2.3")
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


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
async def test_an_instance_that_is_not_there_is_made_or_refused():
    async with Shop(document()) as shop:
        assert (await shop.apply("7", "check", {"a": 1})).created
        with pytest.raises(Rejected) as refusal:
            await shop.apply("8", "check", create=False)
        assert (refusal.value.code, refusal.value.status) == ("instance.unknown", 404)
        with pytest.raises(AlreadyExists):
            await shop.create("7")


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
async def test_an_unknown_transition_is_refused_with_the_known_ones():
    async with Shop(document()) as shop:
        with pytest.raises(Rejected, match="check, passed") as refusal:
            await shop.apply("7", "fly")
        assert refusal.value.code == "transition.unknown"


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
async def test_a_wrong_state_is_refused_with_expected_and_actual():
    async with Shop(document()) as shop:
        await shop.create("7")
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "pay")
        assert (refusal.value.code, refusal.value.status) == ("transition.wrong_state", 400)
        assert "expected state checked, actual state new" in refusal.value.errors[0]["message"]


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
async def test_a_completed_instance_is_refused_as_such():
    async with Shop(document()) as shop:
        await shop.apply("7", "check")
        await shop.apply("7", "failed", {"error": "too big"})
        found = await shop.instance("7")
        assert (found.completed, found.error) == (True, "too big")
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "pay")
        assert refusal.value.code == "instance.completed"


@pytest.mark.spec("D27", "SPINE-B4.8", "CAT-B2.3")
async def test_a_condition_is_evaluated_over_instance_and_transition_data():
    async with Shop(document()) as shop:
        await shop.apply("7", "check", {"amount": 0})
        await shop.apply("7", "passed")
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "pay")
        assert refusal.value.code == "transition.condition"
        assert (await shop.apply("7", "pay", {"amount": 5})).to_state == "paid"


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
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


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
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
        await shop.bench.settle()
        heard = [message["payload"]["transition"] for message in shop.bench.host.queue.messages("local")]
        assert heard == called


async def test_a_message_handler_as_hook_gets_the_short_form():
    sections = "  messaging:\n    subscriptions: []\n    producers: [{name: inbox, forwardTo: [heard]}]\n"
    async with Shop(document("    - {handler: inbox}", sections=sections)) as shop:
        await shop.apply("7", "check")
        await shop.bench.settle()
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


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
async def test_a_pure_hook_may_veto_and_then_nothing_has_changed():
    async with Shop(document("    - {handler: refusing}")) as shop:
        await shop.create("7")
        with pytest.raises(Rejected, match="not today") as refusal:
            await shop.apply("7", "check", {"refuse": True})
        assert refusal.value.code == "transition.vetoed"
        assert (await shop.instance("7")).state == "new"
        assert (await shop.apply("7", "check")).to_state == "checking"


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3", "SPINE-B4.21")
async def test_a_pure_pipeline_may_veto_too():
    pipelines = "  pipelines:\n    guard:\n      steps:\n      - validate: {schema: {required: [amount]}}\n"
    async with Shop(document("    - {handler: guard}", sections=pipelines)) as shop:
        with pytest.raises(Rejected) as refusal:
            await shop.apply("7", "check")
        assert refusal.value.errors
        await shop.apply("7", "check", {"amount": 1})


async def test_a_vetoing_hook_has_two_seconds(monkeypatch):
    monkeypatch.setattr("apps.engine.sections.machine_judging.VETO_SECONDS", 0.01)
    async with Shop(document("    - {handler: refusing}")) as shop:

        async def never(payload, context):
            await asyncio.Event().wait()

        shop.machine.hooks = tuple(_with_veto(hook, never) for hook in shop.machine.hooks)
        with pytest.raises(StepFailed) as failure:
            await shop.apply("7", "check")
        assert (failure.value.code, failure.value.status) == ("hook.timeout", 503)


def _with_veto(hook, veto):
    return replace(hook, veto=veto)


@pytest.mark.spec("D26", "SPINE-B4.9", "CAT-B2.3")
async def test_automatic_transitions_follow_one_by_one():
    async with Shop(document(machine=AUTO)) as shop:
        await shop.apply("7", "check", {"amount": 1})
        assert (await shop.instance("7")).state == "checking"
        await shop.bench.settle()
        assert await shop.history("7") == ["check", "passed", "pay"]
        assert {run["source"] for run in shop.runs()} == {"auto"}


@pytest.mark.spec("D26", "SPINE-B4.9", "CAT-B2.3")
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


@pytest.mark.spec("D26", "SPINE-B4.9", "CAT-B2.3")
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


@pytest.mark.spec("SPINE-B4.9", "CAT-B2.3")
async def test_an_automatic_transition_that_comes_too_late_does_nothing():
    async with Shop(document(machine=AUTO)) as shop:
        await shop.apply("7", "check")
        await shop.apply("7", "failed")
        await shop.bench.settle()
        assert (await shop.instance("7")).state == "rejected"
        assert shop.runs()[0]["output"] == {"transition": None}


@pytest.mark.spec("SPINE-B4.8", "CAT-B2.3")
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
