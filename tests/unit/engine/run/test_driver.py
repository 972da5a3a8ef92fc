"""Programs run in place."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from apps.engine.module import Context, Effect
from apps.engine.outcome import Outcome, StepFailed, TryAgain
from apps.engine.run import assembly
from apps.engine.run.assembly import Assembler, Block, Call, Inline, Plain, TooManySteps
from apps.engine.run.driver import run_in_place, run_in_place_async
from apps.engine.run.packing import Pool, packed, unpacked
from apps.engine.run.program import Program, Variables, read_trace, step_id
from apps.engine.run.target import Target


def context() -> Context:
    return Context(SimpleNamespace(effects=_Ledger()), run_id=uuid4())


class _Ledger:
    def __init__(self) -> None:
        self.lines: list[tuple] = []

    async def intend(self, step, attempt, *, kind, effect, key):
        self.lines.append(("intent", step, attempt, kind, effect, key))

    async def receipt(self, step, attempt, data):
        self.lines.append(("receipt", step, attempt, data))


def step(name, act, **more) -> Plain:
    def build(scope, after):
        def call(variables, context):
            return act(variables, context), after

        return call

    return Plain("set", build, name, **more)


def program(*nodes, tail=()) -> Program:
    return Assembler("pipeline:p", "pipelines").program(nodes, tail)


def fail(variables, context):
    raise StepFailed("broken", code="test.broken", status=418, data={"x": 1})


def clock():
    ticks = iter(range(0, 1_000_000, 1000))
    return lambda: next(ticks)


def test_steps_run_in_order_and_leave_a_trace():
    def add(variables, context):
        variables.data = {"n": variables.data["n"] + 1}
        context.log("added", n=variables.data["n"])
        return variables.data["n"]

    trace = []
    whole = program(step("a", add), step("b", add))
    assert run_in_place(whole, Variables({"n": 0}), context(), trace, clock()) == {"n": 2}
    lines = read_trace(whole, trace)
    assert [(line["name"], line["output"], line["started_us"], line["duration_us"]) for line in lines] == [
        ("a", 1, 0, 1),
        ("b", 2, 1, 1),
    ]
    assert [line["logs"][0]["n"] for line in lines] == [1, 2]


def test_an_empty_trace_reads_as_no_lines():
    assert read_trace(program(), []) == []


def test_what_a_step_recorded_is_not_changed_by_later_steps():
    def put(variables, context):
        variables.remember(f"s{len(variables.steps)}", len(variables.steps))
        return variables.steps

    trace = []
    run_in_place(program(step("a", put), step("b", put)), Variables({}), context(), trace)
    assert [entry[3] for entry in trace] == [{"s0": 0}, {"s0": 0, "s1": 1}]


def test_a_failure_is_traced_and_goes_to_the_caller():
    trace = []
    whole = program(step("a", fail), step("b", lambda variables, context: None))
    with pytest.raises(StepFailed, match="broken"):
        run_in_place(whole, Variables({}), context(), trace)
    line = read_trace(whole, trace)[0]
    assert line["state"] == "failed"
    assert line["error"] == {"code": "test.broken", "message": "broken", "status": 418, "data": {"x": 1}}


def test_a_failure_with_a_tail_goes_on_there_and_then_to_the_caller():
    seen = []
    whole = program(step("a", fail), tail=[step("tidy", lambda variables, context: seen.append(variables.error))])
    trace = []
    with pytest.raises(StepFailed) as failure:
        run_in_place(whole, Variables({}), context(), trace)
    assert seen[0]["step"] == "a"
    assert (failure.value.code, failure.value.status) == ("test.broken", 418)
    assert [entry[0] for entry in trace] == [0, 1]


def test_a_tail_that_clears_the_error_ends_well():
    def clear(variables, context):
        variables.error = None

    assert run_in_place(program(step("a", fail), tail=[step("t", clear)]), Variables({"n": 1}), context(), []) == {
        "n": 1
    }


async def test_the_same_program_runs_under_the_async_driver():
    seen = []
    whole = program(step("a", fail), tail=[step("tidy", lambda variables, context: seen.append(1))])
    with pytest.raises(StepFailed):
        await run_in_place_async(whole, Variables({}), context(), [])
    assert seen == [1]


async def test_coroutine_steps_are_awaited_and_plain_ones_called():
    async def slow(payload, context):
        return {"slow": payload["n"]}

    whole = program(
        step("plain", lambda variables, context: None),
        Call(Target("t", slow, True), "call", keep="out", into_data=True),
    )
    assert whole.is_async
    trace = []
    assert await run_in_place_async(whole, Variables({"n": 3}), context(), trace) == {"n": 3, "slow": 3}
    assert len(trace) == 2


async def test_try_again_goes_to_the_caller():
    async def busy(payload, context):
        raise TryAgain("busy", after=3)

    trace = []
    with pytest.raises(TryAgain):
        await run_in_place_async(program(Call(Target("t", busy, True), "c")), Variables({}), context(), trace)
    assert trace[0][4] == {"code": "step.try_again", "message": "busy", "after": 3}


@pytest.mark.spec("SPINE-B6.7")
async def test_a_call_that_leaves_the_house_has_an_intent_before_and_a_receipt_after():
    async def send(payload, context):
        assert context.unit.effects.lines[-1][0] == "intent"
        return {"ok": True}

    here = context()
    whole = program(Call(Target("hook", send, True, Effect.IDEMPOTENT, module="hook"), "send"))
    await run_in_place_async(whole, Variables({}), here, [])
    intent, receipt = here.unit.effects.lines
    identity = step_id(here.run_id, "send")
    assert intent == ("intent", identity, 1, "hook", "idempotent", str(identity))
    assert receipt[3] == {"value": {"ok": True}, "error": None, "failed_as_result": None}


async def test_a_plain_function_with_an_effect_is_led_through_the_ledger_too():
    here = context()
    whole = program(Call(Target("t", lambda payload, context: 5, False, Effect.ONCE), "c"))
    assert whole.is_async
    await run_in_place_async(whole, Variables({}), here, [])
    assert [line[0] for line in here.unit.effects.lines] == ["intent", "receipt"]


@pytest.mark.parametrize("failure", [StepFailed("no", code="t.no"), TryAgain("later", after=1.0)])
async def test_a_refusal_is_a_receipt_with_the_error(failure):
    async def refuse(payload, context):
        raise failure

    here = context()
    with pytest.raises(type(failure)):
        await run_in_place_async(program(Call(Target("t", refuse, True, Effect.ONCE), "c")), Variables({}), here, [])
    assert here.unit.effects.lines[-1][3]["error"]["message"] == str(failure)


def test_an_answer_that_means_failure_fails_the_step():
    whole = program(Call(Target("t", lambda payload, context: Outcome({"s": 1}, "declined"), False), "c"))
    with pytest.raises(StepFailed, match="declined"):
        run_in_place(whole, Variables({}), context(), [])


def test_an_answer_that_means_failure_may_be_left_for_later():
    seen = {}
    call = Call(Target("t", lambda payload, context: Outcome({"s": 1}, "declined"), False), "c", judged_later=True)
    run_in_place(
        program(call, step("s", lambda variables, context: seen.update(variables.steps))), Variables({}), context(), []
    )
    assert seen == {"failed_as_result": "declined", "c": {"s": 1}}


def test_only_objects_merge_into_data():
    whole = program(Call(Target("t", lambda payload, context: [1], False), "c", into_data=True))
    with pytest.raises(StepFailed) as failure:
        run_in_place(whole, Variables({}), context(), [])
    assert failure.value.code == "data.not_an_object"


def test_an_inlined_block_sees_names_of_its_own():
    def inner(variables, context):
        assert variables.input == {"of": "inner"}
        assert variables.steps == {}
        variables.data = {"made": 1}

    inline = Inline(Block((step("x", inner),)), "use", payload=lambda variables, context: {"of": "inner"}, keep="out")
    variables = Variables({"of": "outer"})
    variables.remember("before", 1)
    whole = program(inline, step("after", lambda variables, context: None))
    assert [each.name for each in whole.steps] == ["use", "use/x", "use.end", "after"]
    assert run_in_place(whole, variables, context(), []) == {"of": "outer"}
    assert variables.steps == {"before": 1, "out": {"made": 1}}
    assert variables.frames == ()


def test_a_failure_inside_an_inlined_block_finds_its_way_out():
    def tidy(variables, context):
        assembly.unwind(variables)
        variables.remember("tidied", variables.error["code"])

    variables = Variables({"of": "outer"})
    whole = program(Inline(Block((step("x", fail),)), "use"), tail=[step("tidy", tidy)])
    with pytest.raises(StepFailed):
        run_in_place(whole, variables, context(), [])
    assert variables.steps == {"tidied": "test.broken"}
    assert variables.data == {"of": "outer"}


def test_a_name_used_twice_is_told_apart_by_position():
    nothing = lambda variables, context: None  # noqa: E731
    assert [each.name for each in program(step("a", nothing), step("a", nothing), step("", nothing)).steps] == [
        "a",
        "a-1",
        "set-2",
    ]


def test_a_program_has_an_upper_size(monkeypatch):
    monkeypatch.setattr(assembly, "MOST_STEPS", 2)
    with pytest.raises(TooManySteps):
        program(*(step("", lambda variables, context: None) for _ in range(3)))


def test_variables_survive_storage():
    variables = Variables({"n": 1}, {"method": "GET"}, {"id": "x"})
    variables.remember("a", 1)
    variables.response = {"status": 200, "headers": {}, "body": None}
    pool = Pool({"n": 1})
    again = unpacked(packed(variables, pool), pool.values)
    assert (again.names, again.frames, again.response) == (variables.names, variables.frames, variables.response)
    assert again.request == {"method": "GET"}
