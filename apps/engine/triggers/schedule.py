"""The `schedule` trigger: each job's own cron decides when its workflow begins (spec/modules.md 5)."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from apps.engine.document import DocumentPath, path_text
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.run.assembly import Plain, Scope
from apps.engine.run.program import StepCall, Variables
from apps.engine.schedules import SOURCE, Schedule, told_apart
from apps.engine.sections.workspace import Workspace
from apps.engine.timetable import cron
from apps.engine.trigger import Resolver

TRIGGER = "schedule"
SECTION = "scheduler"  # whose lifecycle topics tell of jobs that cannot begin
NOTHING = "schedule:nothing"  # entry of the program of such a job


def compile_schedule_trigger(workspace: Workspace, resolver: Resolver) -> list[Schedule]:
    """Return the schedules of the trigger's jobs, none when it is switched off."""
    trigger = workspace.document.triggers.get(TRIGGER, {})
    if trigger.get("enabled") is False or not trigger.get("jobs"):
        return []
    workspace.assemble(NOTHING, SECTION, [Plain("resolve", _refusing, "resolve")])
    taken: set[str] = set()
    return [
        _schedule(resolver, written, ("triggers", TRIGGER, "jobs", index), taken)
        for index, written in enumerate(trigger["jobs"])
    ]


def _schedule(resolver: Resolver, written: dict[str, Any], path: DocumentPath, taken: set[str]) -> Schedule:
    workflow, action = str(written["workflow"]), str(written["action"])
    params = dict(written.get("params") or {})
    return Schedule(
        name=told_apart(f"trigger {workflow} {action}", taken),
        timetable=cron(str(written["cron"]), str(written.get("timezone") or "UTC")),
        fire=partial(_fire, resolver, workflow, action, params),
        workflow=workflow,
        action=action,
        path=path_text(path),
    )


def _fire(resolver: Resolver, workflow: str, action: str, params: dict[str, Any], due: datetime) -> NewRun:
    """Return the run of one time; a workflow that the document does not have is a run that fails (section 6)."""
    data = {"trigger_time": due.isoformat(), **params}
    try:
        found = resolver.resolve(workflow, action, data)
    except StepFailed as unknown:
        asked = {**data, "error": {"code": unknown.code, "message": unknown.message}}
        return NewRun(entry=NOTHING, data=asked, section=SECTION, action=action, workflow=workflow, source=SOURCE)
    return replace(found, source=SOURCE)


def _refusing(place: Scope, after: int) -> StepCall:
    def call(variables: Variables, context: Context) -> tuple[Any, int]:
        error = variables.input["error"]
        raise StepFailed(error["message"], code=error["code"], status=404)

    return call
