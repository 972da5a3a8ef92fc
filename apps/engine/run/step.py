"""Try one step of a durable run, once: whatever happens comes back as an event for `decide`."""

import asyncio
import traceback
from typing import Any

from apps.engine.module import Context, Effect
from apps.engine.outcome import Postponed, StepFailed, TryAgain
from apps.engine.ports import LostRace
from apps.engine.run.decide import timed_out
from apps.engine.run.effects import RECEIPT, error_of
from apps.engine.run.program import Program, Step, Variables, step_id
from apps.engine.run.state import (
    Again,
    CheckEvent,
    Done,
    Failed,
    Lost,
    NotHappened,
    Receipt,
    RunState,
    TryEvent,
    Unchecked,
)


async def try_step(program: Program, state: RunState, context: Context, *, receipt: Receipt | None = None) -> TryEvent:
    """Try the step at the state's position. `receipt` is what an earlier claim already got back for this attempt."""
    step = program.steps[state.position]
    variables = _prepare(program, state, step, context)
    if receipt is not None:
        context.state[RECEIPT] = receipt
    return await _one_try(step, variables, context)


async def verify_step(program: Program, state: RunState, context: Context) -> CheckEvent:
    """Ask the target of a checkable step whether its effect happened."""
    step = program.steps[state.position]
    variables = _prepare(program, state, step, context)
    if step.verify is None:
        return Unchecked({"code": "effect.no_verify", "message": f"Step {step.name} cannot be checked."}, final=True)
    try:
        async with asyncio.timeout(step.retry.timeout_seconds):
            found = await step.verify(variables, context)
    except TimeoutError:
        return Unchecked({"code": "effect.unchecked", "message": "The check took too long."})
    except TryAgain as pause:
        return Unchecked(error_of(pause), pause.after)
    except StepFailed as failure:
        return Unchecked(error_of(failure), final=True)
    if found is None:
        return NotHappened()
    output, following = found
    return Done(variables, output, following, context.logs)


def _prepare(program: Program, state: RunState, step: Step, context: Context) -> Variables:
    context.attempt = state.step_attempt
    context.step_id = step_id(state.run_id, step.name)
    variables = state.variables.copy()
    if "run" in program.roots:
        variables.names["run"] = {"id": str(state.run_id), "attempt": state.step_attempt}
    return variables


async def _one_try(step: Step, variables: Variables, context: Context) -> TryEvent:
    try:
        output, following = await _call(step, variables, context)
    except TimeoutError:
        return Lost(timed_out(step.retry.timeout_seconds), context.logs)
    except TryAgain as pause:
        return Again(error_of(pause), pause.after, context.logs, free=isinstance(pause, Postponed))
    except StepFailed as failure:
        return Failed(error_of(failure), context.logs)
    except LostRace as race:
        return Again({"code": "store.lost_race", "message": f"Somebody else was first: {race}"}, None, context.logs)
    except Exception as bug:
        return _bug(step, bug, context)
    return Done(variables, output, following, context.logs)


async def _call(step: Step, variables: Variables, context: Context) -> Any:
    if not step.is_async:
        return step.call(variables, context)
    async with asyncio.timeout(step.retry.timeout_seconds):
        return await step.call(variables, context)


def _bug(step: Step, bug: Exception, context: Context) -> TryEvent:
    """A fault of ours: the tenant is told that much, the operator gets the trace."""
    error = {"code": "engine.bug", "message": "A fault in the product stopped this step; its operators can see why."}
    if step.effect in (Effect.ONCE, Effect.CHECKABLE, Effect.COMPENSABLE):
        context.log("".join(traceback.format_exception_only(bug)).strip(), "error")
        return Lost(error, context.logs)
    return Failed(error, context.logs, "".join(traceback.format_exception(bug)))
