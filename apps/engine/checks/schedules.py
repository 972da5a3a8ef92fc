"""What is done by the clock: the `scheduler` section, the `schedule` trigger, jobs of modules (spec 3.6, 4.4, 5)."""

from apps.engine.checks.known import SCHEDULERS
from apps.engine.checks.references import CALLED, refer
from apps.engine.checks.scope import Scope
from apps.engine.checks.shapes import FLAG, LIST, MAP, NAME, Key, Shape, check_shape
from apps.engine.document import DocumentPath
from apps.engine.schedules import MOST_JOBS
from apps.engine.timetable import BadTimetable, cron

SECTION = Shape({"jobs": Key(LIST, required=True)})
JOB = Shape(
    {
        "scheduler": Key(NAME, required=True),
        "job": Key(NAME, required=True),
        "config": Key(MAP),
        "timezone": Key(NAME),
    }
)
TRIGGER = Shape({"jobs": Key(LIST), "enabled": Key(FLAG)})
TRIGGER_JOB = Shape(
    {
        "cron": Key(NAME, required=True),
        "workflow": Key(NAME, required=True),
        "action": Key(NAME, required=True),
        "params": Key(MAP),
        "timezone": Key(NAME),
    }
)
SECTION_PATH: DocumentPath = ("workflows", "scheduler")
TRIGGER_PATH: DocumentPath = ("triggers", "schedule")


def check_schedules(scope: Scope) -> None:
    """Check the section, the trigger and the jobs that modules have, and how many there are of all of them."""
    count = _section(scope, 0)
    count = _trigger(scope, count)
    _modules(scope, count)


def _section(scope: Scope, count: int) -> int:
    section = scope.document.workflows.get("scheduler")
    if section is None:
        return count
    check_shape(scope, section, SECTION_PATH, SECTION)
    jobs = section.get("jobs")
    for index, written in enumerate(jobs if isinstance(jobs, list) else []):
        path: DocumentPath = (*SECTION_PATH, "jobs", index)
        count += 1
        if _is_one_too_many(scope, count, path):
            break
        if check_shape(scope, written, path, JOB):
            _scheduler(scope, written["scheduler"], (*path, "scheduler"))
            refer(scope, written["job"], (*path, "job"), CALLED, "be a job")
            _timetable(scope, "* * * * *", written.get("timezone"), path)
    return count


def _scheduler(scope: Scope, name: str, path: DocumentPath) -> None:
    found = scope.resolve(name)
    if found is None:
        known = scope.of_kinds(SCHEDULERS)
        scope.report("reference.unknown", path, scope.unknown(name, "scheduler", known or scope.entries))
    elif scope.kinds[found] not in SCHEDULERS and scope.type_of(found) is not None:
        scope.report("reference.unsuitable", path, f"{name!r} ({scope.kinds[found]}) is no scheduler.")


def _trigger(scope: Scope, count: int) -> int:
    trigger = scope.document.triggers.get("schedule")
    if trigger is None or trigger.get("enabled") is False:
        return count
    check_shape(scope, trigger, TRIGGER_PATH, TRIGGER)
    jobs = trigger.get("jobs")
    if jobs is None:
        if "enabled" in trigger:
            scope.report("trigger.empty", TRIGGER_PATH, "This trigger has no jobs, so it starts nothing.")
        else:
            scope.report("section.required", (*TRIGGER_PATH, "jobs"), "'jobs' is missing.")
    for index, written in enumerate(jobs if isinstance(jobs, list) else []):
        path: DocumentPath = (*TRIGGER_PATH, "jobs", index)
        count += 1
        if _is_one_too_many(scope, count, path):
            break
        if check_shape(scope, written, path, TRIGGER_JOB):
            _timetable(scope, written["cron"], written.get("timezone"), path)
    return count


def _timetable(scope: Scope, expression: str, timezone: str | None, path: DocumentPath) -> None:
    """Report a time zone that is none, and an expression that is none or never comes."""
    for text, zone, key in (("* * * * *", timezone or "UTC", "timezone"), (expression, "UTC", "cron")):
        try:
            cron(text, zone)
        except BadTimetable as bad:
            scope.report("section.invalid", (*path, key), str(bad))


def _modules(scope: Scope, count: int) -> None:
    for name in scope.of_kinds(SCHEDULERS):
        for index, (job, _) in getattr(scope.built.get(name), "jobs", {}).items():
            path: DocumentPath = (*scope.entries[name].path, "config", "jobs", index)
            count += 1
            if _is_one_too_many(scope, count, path):
                return
            if not scope.is_target(job):
                unknown = scope.unknown(job, "module, pipeline or component", scope.targets())
                scope.report("trigger.workflow.unknown", path, f"{unknown} The job does not run.")
            elif scope.resolve(job) is not None:
                refer(scope, job, path, CALLED, "be a job")


def _is_one_too_many(scope: Scope, count: int, path: DocumentPath) -> bool:
    """Whether the document has more jobs than it may; told once for each list."""
    if count <= MOST_JOBS:
        return False
    scope.report("section.invalid", path, f"A document may have at most {MOST_JOBS} scheduled jobs in all.")
    return True
