"""The `scheduler` section: each job is a program that hands its `config` to a handler and tells how that went.

A job runs when its scheduler's time has come, or at once as `scheduler:job` (spec/modules.md 4.4). When it has ended,
well or not, the topics of `messaging.producers` and every job store of the document hear of it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from apps.engine.document import DocumentPath, path_text
from apps.engine.module import Context, Module
from apps.engine.ports import NewRun
from apps.engine.run.assembly import Node, Plain, unwind
from apps.engine.run.assembly import Scope as Place
from apps.engine.run.program import END, StepCall, Variables
from apps.engine.schedules import SOURCE, Job, Jobs, Schedule, told_apart
from apps.engine.sections.pipelines import target_nodes
from apps.engine.sections.producers import Producers
from apps.engine.sections.workspace import Workspace
from apps.engine.timetable import Timetable, cron

SECTION = "scheduler"
HANDLER = "handle"  # name of the step that does the job


def compile_jobs(workspace: Workspace, producers: Producers, jobs: Jobs) -> list[Schedule]:
    """Add every job of the section, and of modules that have some of their own, to `jobs`; return their schedules."""
    taken: set[str] = set()
    found: list[Schedule] = []
    for index, written in enumerate(workspace.section(SECTION).get("jobs") or []):
        path: DocumentPath = ("workflows", SECTION, "jobs", index)
        scheduler = workspace.module(str(written["scheduler"]))
        if scheduler is None:
            workspace.refuse("reference.unknown", (*path, "scheduler"), f"There is no module {written['scheduler']}.")
        timetable = timetable_of(scheduler, written.get("timezone"))
        job = _job(workspace, producers, written, timetable, path, taken)
        jobs.add(job)
        found.append(_schedule(job, path))
    return found + _jobs_of_modules(workspace, producers, jobs, taken)


def timetable_of(scheduler: Module[Any], timezone: str | None = None) -> Timetable:
    """Return when a scheduler's jobs are due; a job's own time zone goes before the scheduler's."""
    timetable: Timetable = scheduler.timetable  # type: ignore[attr-defined]  # the checker has looked at its kind
    expression = getattr(timetable, "expression", None)
    return timetable if not timezone or expression is None else cron(expression, timezone)


def _jobs_of_modules(workspace: Workspace, producers: Producers, jobs: Jobs, taken: set[str]) -> list[Schedule]:
    """Return the schedules of `jobs` that a module has in its config; one that names nothing to run has none."""
    found: list[Schedule] = []
    places = {entry.name: entry.path for entry in reversed(workspace.document.modules)}
    for name, module in workspace.modules.items():
        for index, (job, timetable) in getattr(module, "jobs", {}).items():
            if workspace.module(job) is None and job not in workspace.pipelines and job not in workspace.components:
                continue
            path = (*places[name], "config", "jobs", index)
            made = _job(workspace, producers, {"scheduler": name, "job": job}, timetable, path, taken)
            jobs.add(made)
            found.append(_schedule(made, path))
    return found


def _job(
    workspace: Workspace,
    producers: Producers,
    written: dict[str, Any],
    timetable: Timetable,
    path: DocumentPath,
    taken: set[str],
) -> Job:
    scheduler, name = str(written["scheduler"]), str(written["job"])
    target = workspace.target(name, (*path, "job"), takes=True)
    unique = told_apart(f"{scheduler}:{name}", taken)
    told = {"job": name, "scheduler": scheduler}
    program = workspace.assemble(
        f"job:{unique}",
        SECTION,
        [target_nodes(workspace, target, name=HANDLER)],
        _tail(workspace, producers, told),
        path,
    )
    start = partial(_run, program.entry, told, dict(written.get("config") or {}))
    return Job(unique, scheduler, name, timetable, start)


def _schedule(job: Job, path: DocumentPath) -> Schedule:
    def fire(due: datetime) -> NewRun:
        return replace(job.start(None), source=SOURCE)

    return Schedule(job.name, job.timetable, fire, SECTION, f"{job.scheduler}:{job.job}", path_text(path))


def _run(entry: str, told: dict[str, str], config: dict[str, Any], data: Any) -> NewRun:
    """Return the run of one job; what a caller sends is laid over the job's `config`."""
    message = {**config, **data} if isinstance(data, dict) else config if data is None else data
    action = f"{told['scheduler']}:{told['job']}"
    return NewRun(entry=entry, data=message, section=SECTION, action=action, workflow=told["job"], source="trigger")


# --- when it has ended ------------------------------------------------------------------------------------------------


def _tail(workspace: Workspace, producers: Producers, told: dict[str, str]) -> list[Node]:
    recorders = [module for module in workspace.modules.values() if hasattr(module, "record_run")]
    nodes: list[Node] = []
    if producers.has(told["job"]):
        nodes.append(Plain("producers", _forwarding(producers, told), "producers", writes=True))
    if recorders:
        nodes.append(Plain("record", _recording(recorders, told), "record", is_async=True, writes=True))
    return [*nodes, Plain("result", _result(told), "result")]


def _ended(told: dict[str, str], variables: Variables, context: Context) -> dict[str, Any]:
    """Say how the job went."""
    unwind(variables)
    error = variables.error
    ended = {**told, "status": "success" if error is None else "failed", "runId": str(context.run_id)}
    return ended if error is None else {**ended, "error": str(error.get("message", ""))}


def _forwarding(producers: Producers, told: dict[str, str]) -> Callable[[Place, int], StepCall]:
    """Pass on what the handler was given, or made, together with how the job went."""

    def build(place: Place, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            ended = _ended(told, variables, context)
            payload = {**_object(variables.input, "payload"), **ended}
            made = variables.steps.get(HANDLER)
            answer = None if made is None else {**_object(made, "result"), **ended}
            return {"messages": producers.forward(context, told["job"], payload, answer, variables.error)}, after

        return call

    return build


def _recording(recorders: list[Any], told: dict[str, str]) -> Callable[[Place, int], StepCall]:
    def build(place: Place, after: int) -> StepCall:
        async def call(variables: Variables, context: Context) -> tuple[Any, int]:
            ended = _ended(told, variables, context)
            for recorder in recorders:
                await recorder.record_run(ended, context)
            return ended, after

        return call

    return build


def _result(told: dict[str, str]) -> Callable[[Place, int], StepCall]:
    """Leave the result of the job as the run's output (spec/modules.md 4.4)."""

    def build(place: Place, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            ended = _ended(told, variables, context)
            success = variables.error is None
            found = {"success": success, **{key: ended[key] for key in ended if key not in ("status", "runId")}}
            variables.data = found if not success else {**found, "result": variables.steps.get(HANDLER)}
            return None, END

        return call

    return build


def _object(value: Any, name: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else {name: value}
