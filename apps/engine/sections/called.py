"""What modules call in the transaction of a request they answer: the targets that `Module.calls` names, resolved."""

import asyncio
from typing import Any

from apps.engine.document import DocumentPath
from apps.engine.module import Called, Context, Effect
from apps.engine.outcome import Rejected, StepFailed
from apps.engine.run.driver import run_in_place, run_in_place_async
from apps.engine.run.program import Program, Variables
from apps.engine.run.target import PipelineTarget, Target, value_of
from apps.engine.sections.producers import Producers
from apps.engine.sections.workspace import Workspace

MOST_SECONDS = 2.0


def compile_called(workspace: Workspace, targets: dict[str, Called], producers: Producers) -> None:
    """Fill `targets` by the names that modules call; the pipelines are there already."""
    paths = {entry.name: entry.path for entry in reversed(workspace.document.modules)}
    for module in workspace.modules.values():
        for key, name in module.calls().items():
            if name not in targets:
                targets[name] = _called(workspace, name, (*paths[module.name], "config", key), producers)


def _called(workspace: Workspace, name: str, path: DocumentPath, producers: Producers) -> Called:
    target = workspace.target(name, path)
    if isinstance(target, PipelineTarget):
        program = workspace.programs[f"pipeline:{name}"]
        if any(step.effect is not Effect.PURE for step in program.steps):
            workspace.refuse("hook.outside", path, f"{name} acts outside of the request.")
        inner = _pipeline(name, program)
    elif isinstance(target, Target) and target.effect is Effect.PURE:
        inner = _single(target)
    else:
        workspace.refuse("hook.outside", path, f"{name} acts outside of the request, or is made for runs.")

    async def called(payload: Any, context: Context) -> Any:
        try:
            async with asyncio.timeout(MOST_SECONDS):
                answer = await inner(payload, context)
        except TimeoutError:
            raise StepFailed(f"{name} took longer than {MOST_SECONDS:g} s.", code="hook.timeout", status=503) from None
        producers.forward(context, target.name, payload, answer)
        return answer

    return called


def _single(target: Target) -> Called:
    async def call(payload: Any, context: Context) -> Any:
        result = target.call(payload, context)
        return value_of((await result) if target.is_async else result)

    return call


def _pipeline(name: str, program: Program) -> Called:
    async def call(payload: Any, context: Context) -> Any:
        variables = Variables(payload)
        if program.is_async:
            result = await run_in_place_async(program, variables, context, [])
        else:
            result = run_in_place(program, variables, context, [])
        _heed(name, variables.response)
        return result

    return call


def _heed(name: str, response: dict[str, Any] | None) -> None:
    """Take an answer of 400 and above, which a `respond` step gave, for a refusal."""
    status = 200 if response is None else response["status"]
    if isinstance(status, int) and status >= 400:
        raise Rejected(f"{name} answered {status}.", code="hook.refused", status=status)
