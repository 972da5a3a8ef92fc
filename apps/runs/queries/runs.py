"""Reads of runs. The detail is one JSON shape for the API, the run page and the live socket."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.core.scope import current_tenant
from apps.core.sealing import opened
from apps.core.single import single
from apps.engine.redaction import Redactor
from apps.runs.models import Run, Step
from apps.runs.queries.programs import trace_read
from apps.runs.queries.shown import UNDECIPHERABLE, logs_of, redactor_of, redactors_of, value_of
from apps.runs.rules.sealing import (
    RUN_ERROR,
    RUN_INPUT,
    RUN_OUTPUT,
    RUN_STEPS,
    STEP_ERROR,
    STEP_INPUT,
    STEP_OUTPUT,
)
from apps.tenants.queries import environment_get, environment_list
from apps.workflows.queries.workflows import workflow_names

LIST_COLUMNS = (
    "id", "workflow_id", "environment_id", "version_number", "source", "entry", "section", "action", "workflow_name",
    "route", "state", "wait_reason", "wait_since", "wait_until", "wait_for", "correlation", "parent_id", "request_id",
    "http_status", "attempt", "sequence", "started_at", "finished_at", "duration_us", "cancel_requested_at", "dead_at",
)  # fmt: skip
DETAIL_COLUMNS = (*LIST_COLUMNS, "input", "output", "error", "steps")


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What a list of runs is narrowed to; None leaves a part open."""

    workflow_id: UUID | None = None
    environment: str | None = None
    states: tuple[str, ...] = ()
    source: str | None = None
    correlation: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    dead_only: bool = False


def run_list(
    *, wanted: RunFilter = RunFilter(), after: UUID | None = None, limit: int = USUAL_PAGE
) -> Page[dict[str, Any]]:
    """Return runs, newest first, without their payloads; raise `NotFound` for an unknown environment."""
    page = by_id(_narrowed(Run.objects.only(*LIST_COLUMNS), wanted), after=after, limit=limit)
    if not page.items:
        return Page([], None)
    names = workflow_names(workflow_ids={row.workflow_id for row in page.items})
    places = environment_list()
    environments = {found.id: found.name for found in places}
    redactors = redactors_of((row.environment_id for row in page.items), places)
    lines = [_line(row, names, environments, redactors[row.environment_id]) for row in page.items]
    return Page(lines, page.next)


def run_get(*, run_id: UUID) -> dict[str, Any]:
    """Return one run with its steps, inputs and outputs; raise `NotFound`."""
    row = single(Run.objects.only(*DETAIL_COLUMNS).filter(id=run_id))
    if row is None:
        raise NotFound("There is no such run.")
    names = workflow_names(workflow_ids=[row.workflow_id])
    places = environment_list()
    environments = {found.id: found.name for found in places}
    redactor = redactors_of([row.environment_id], places)[row.environment_id]
    return {
        **_line(row, names, environments, redactor),
        "input": value_of(row.input, RUN_INPUT, redactor),
        "output": value_of(row.output, RUN_OUTPUT, redactor),
        "error": value_of(row.error, RUN_ERROR, redactor),
        "steps": _steps(row, redactor),
        "links": _links(row),
    }


def run_sequence(*, run_id: UUID) -> int | None:
    """Return the number of a run's latest change, None when there is no such run."""
    return single(Run.objects.filter(id=run_id).values_list("sequence", flat=True))


def run_events(*, run_id: UUID, after: int) -> list[dict[str, Any]]:
    """Return what has changed since change number `after`, in order: `{sequence, event}`.

    A step that changed twice appears once, as it is now: applying the events to the older state gives the newer one.
    """
    row = single(Run.objects.only(*LIST_COLUMNS, "output", "error").filter(id=run_id))
    if row is None or row.sequence <= after:
        return []
    redactor = redactor_of(row.environment_id)
    steps = _steps_of(run_id).filter(sequence__gt=after).order_by("sequence")
    events = [
        {"sequence": step.sequence, "event": {"kind": f"step.{_kind(step.state)}", "step": _step(step, redactor)}}
        for step in steps
    ]
    changed = {
        "state": row.state,
        "wait": _wait(row, redactor),
        "output": value_of(row.output, RUN_OUTPUT, redactor),
        "error": value_of(row.error, RUN_ERROR, redactor),
        "attempt": row.attempt,
        "finished_at": _time(row.finished_at),
        "duration_us": row.duration_us,
        "sequence": row.sequence,
    }
    return [*events, {"sequence": row.sequence, "event": {"kind": f"run.{row.state}", "run": changed}}]


def run_counts(*, since: datetime | None = None) -> dict[str, int]:
    """Return how many runs stand in each state that is not `done`, for the home page."""
    rows = Run.objects.filter(state__in=("running", "waiting", "failed", "cancelled"))
    if since is not None:
        rows = rows.filter(id__gte=_first_id(since))
    counts = dict.fromkeys(("running", "waiting", "failed", "cancelled"), 0)
    for state in rows.order_by("-id").values_list("state", flat=True)[:10_000]:
        counts[state] += 1
    return counts


def _json_of(payload: bytes | memoryview | None) -> Any:
    """Decode a request's body; None when there was none, when it was no JSON, and when no key opens it."""
    try:
        value = opened(payload, current_tenant(), RUN_INPUT)
        return None if value is None else orjson.loads(value)
    except ValueError:
        return None


def _narrowed(rows: "QuerySet[Run]", wanted: RunFilter) -> "QuerySet[Run]":
    if wanted.workflow_id is not None:
        rows = rows.filter(workflow_id=wanted.workflow_id)
    if wanted.environment is not None:
        rows = rows.filter(environment_id=environment_get(name=wanted.environment).id)
    if wanted.states:
        rows = rows.filter(state__in=wanted.states)
    if wanted.source is not None:
        rows = rows.filter(source=wanted.source)
    if wanted.correlation is not None:
        rows = rows.filter(correlation=wanted.correlation)
    if wanted.since is not None:
        rows = rows.filter(id__gte=_first_id(wanted.since))
    if wanted.until is not None:
        rows = rows.filter(id__lt=_first_id(wanted.until))
    if wanted.dead_only:
        rows = rows.filter(dead_at__isnull=False)
    return rows


def _first_id(moment: datetime) -> UUID:
    """Return the smallest id of that millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _line(
    row: Run, names: dict[UUID, tuple[str, str]], environments: dict[UUID, str], redactor: Redactor
) -> dict[str, Any]:
    slug, name = names.get(row.workflow_id, ("", ""))
    return {
        "id": str(row.id),
        "workflow": {"id": str(row.workflow_id), "slug": slug, "name": name},
        "version": row.version_number,
        "environment": environments.get(row.environment_id, ""),
        "source": row.source,
        "entry": row.entry,
        "section": row.section,
        "action": redactor.text(row.action),
        "definition": row.workflow_name,
        "route": row.route,
        "state": row.state,
        "wait": _wait(row, redactor),
        "correlation": redactor.tree(row.correlation),
        "parent": None if row.parent_id is None else str(row.parent_id),
        "request_id": redactor.tree(row.request_id),
        "http_status": row.http_status,
        "attempt": row.attempt,
        "sequence": row.sequence,
        "started_at": _time(row.started_at),
        "finished_at": _time(row.finished_at),
        "duration_us": row.duration_us,
        "cancel_requested_at": _time(row.cancel_requested_at),
        "dead_at": _time(row.dead_at),
    }


def _wait(row: Run, redactor: Redactor) -> dict[str, Any] | None:
    if row.wait_reason is None:
        return None
    return {
        "reason": row.wait_reason,
        "since": _time(row.wait_since),
        "until": _time(row.wait_until),
        "for": redactor.tree(row.wait_for),
    }


def _steps(row: Run, redactor: Redactor) -> list[dict[str, Any]]:
    if row.steps is None:
        return [_step(step, redactor) for step in _steps_of(row.id).order_by("started_at", "position")]
    trace = value_of(row.steps, RUN_STEPS, redactor)
    if trace is UNDECIPHERABLE:
        return []
    lines = trace_read(
        place=(row.environment_id, row.workflow_id),
        version=row.version_number,
        entry=row.entry,
        trace=trace,
        data=_json_of(row.input),
        run_id=row.id,
    )
    return [_with_time(line, row.started_at) | _data(line, redactor) for line in lines]


def _steps_of(run_id: UUID) -> "QuerySet[Step]":
    """Return a run's step rows; their ids carry the run's time, so that only one day is looked into."""
    first = run_id.int >> 80 << 80
    return Step.objects.filter(run_id=run_id, id__gte=UUID(int=first), id__lt=UUID(int=first + (1 << 80)))


def _with_time(line: dict[str, Any], began: datetime) -> dict[str, Any]:
    offset = timedelta(microseconds=line.pop("started_us"))
    return {**line, "started_at": _time(began + offset)}


def _data(line: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    return {name: redactor.tree(line[name]) for name in ("input", "output", "error", "logs")}


def _step(step: Step, redactor: Redactor) -> dict[str, Any]:
    return {
        "index": step.position,
        "name": step.name,
        "kind": step.kind,
        "path": step.path,
        "module": step.module,
        "state": step.state,
        "attempt": step.attempt,
        "epoch": step.epoch,
        "started_at": _time(step.started_at),
        "duration_us": step.duration_us,
        "input": value_of(step.input, STEP_INPUT, redactor),
        "output": value_of(step.output, STEP_OUTPUT, redactor),
        "error": value_of(step.error, STEP_ERROR, redactor),
        "logs": logs_of(step.logs, redactor),
    }


def _kind(state: str) -> str:
    return "started" if state == "claimed" else state


def _links(row: Run) -> dict[str, str]:
    links = {"self": f"runs/{row.id}", "workflow": f"workflows/{row.workflow_id}"}
    if row.parent_id is not None:
        links["parent"] = f"runs/{row.parent_id}"
    return links


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
