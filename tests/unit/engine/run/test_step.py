"""One try of one step of a durable run."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest

from apps.engine.module import Context, Effect
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import LostRace, StoreBusy
from apps.engine.run.program import END, Program, RetryPolicy, Step, step_id
from apps.engine.run.state import Again, Done, Failed, Lost, NotHappened, Receipt, RunState, Unchecked
from apps.engine.run.step import try_step, verify_step

NOW = datetime(2030, 1, 1, tzinfo=UTC)


async def one_try(
    call, *, is_async=True, effect=Effect.PURE, roots=frozenset(), receipt=None, verify=None, check=False
):
    step = Step(0, "only", "uses", call, is_async, effect, RetryPolicy(timeout_seconds=0.05), verify=verify)
    program = Program("pipeline:p", (step,), roots=roots)
    run_id = uuid4()
    state = RunState.start(run_id, "pipeline:p", {"n": 1}, NOW)
    context = Context(SimpleNamespace(), run_id=run_id)
    event = await (
        verify_step(program, state, context) if check else try_step(program, state, context, receipt=receipt)
    )
    assert context.step_id == step_id(run_id, "only")
    return event, state


async def test_a_success_carries_new_variables_and_leaves_the_old_ones():
    def add(variables, context):
        variables.data = {"n": 2}
        return "out", END

    event, state = await one_try(add, is_async=False)
    assert isinstance(event, Done)
    assert (event.output, event.variables.data, state.variables.data) == ("out", {"n": 2}, {"n": 1})


async def test_the_run_is_visible_to_expressions_that_ask_for_it():
    async def look(variables, context):
        return variables.names["run"], END

    event, state = await one_try(look, roots=frozenset({"run"}))
    assert event.output == {"id": str(state.run_id), "attempt": 1}


@pytest.mark.parametrize(
    ("failure", "is_free"), [(StoreBusy("full", code="store.busy"), True), (TryAgain("later"), False)]
)
async def test_only_a_try_that_our_own_store_spoilt_is_free(failure, is_free):
    async def call(variables, context):
        raise failure

    event, _ = await one_try(call)
    assert event.free is is_free


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (StepFailed("no", code="t.no"), Failed, "t.no"),
        (TryAgain("later", after=2, code="t.later"), Again, "t.later"),
        (LostRace("row"), Again, "store.lost_race"),
        (StoreBusy("full", code="store.busy"), Again, "store.busy"),
        (KeyError("x"), Failed, "engine.bug"),
    ],
)
async def test_whatever_is_raised_comes_back_as_an_event(failure, kind, code):
    async def call(variables, context):
        raise failure

    event, _ = await one_try(call)
    assert isinstance(event, kind)
    assert event.error["code"] == code


async def test_a_fault_of_ours_shows_its_trace_to_operators_only():
    async def call(variables, context):
        raise KeyError("secret detail")

    event, _ = await one_try(call)
    assert "secret detail" not in str(event.error)
    assert "secret detail" in event.trace


async def test_a_fault_of_ours_around_something_done_once_leaves_it_unknown():
    async def call(variables, context):
        raise KeyError("x")

    event, _ = await one_try(call, effect=Effect.ONCE)
    assert isinstance(event, Lost)


async def test_no_answer_in_time_is_a_lost_try():
    async def call(variables, context):
        await asyncio.Event().wait()

    event, _ = await one_try(call)
    assert isinstance(event, Lost)
    assert event.error["code"] == "step.timeout"


async def test_a_receipt_is_handed_to_the_step():
    async def call(variables, context):
        return context.state["receipt"].value, END

    event, _ = await one_try(call, receipt=Receipt({"ok": 1}))
    assert event.output == {"ok": 1}


async def test_a_check_says_done_not_happened_or_why_not():
    async def happened(variables, context):
        return "found", END

    async def absent(variables, context):
        return None

    async def busy(variables, context):
        raise TryAgain("busy")

    async def refused(variables, context):
        raise StepFailed("no", code="t.no")

    async def never(variables, context):
        await asyncio.Event().wait()

    kinds, finals = [], []
    for verify in (happened, absent, busy, refused, never, None):
        event, _ = await one_try(happened, verify=verify, check=True)
        kinds.append(type(event))
        finals += [event.final] if isinstance(event, Unchecked) else []
    assert kinds == [Done, NotHappened, Unchecked, Unchecked, Unchecked, Unchecked]
    assert finals == [False, True, False, True]
