"""Reads of what is done by the clock."""

from typing import Any
from uuid import UUID

from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.runs.models import Schedule
from apps.tenants.queries import environment_get, environment_list
from apps.workflows.queries.workflows import workflow_names


def schedule_list(
    *,
    workflow_id: UUID | None = None,
    environment: str | None = None,
    after: UUID | None = None,
    limit: int = USUAL_PAGE,
) -> Page[dict[str, Any]]:
    """Return the schedules of what is live, newest first; raise `NotFound` for an unknown environment.

    Each has `next_at`, and `last_at` with `last_run` once it was due: the time it was for, and the run that began.
    """
    rows = Schedule.objects.all()
    if workflow_id is not None:
        rows = rows.filter(workflow_id=workflow_id)
    if environment is not None:
        rows = rows.filter(environment_id=environment_get(name=environment).id)
    page = by_id(rows, after=after, limit=limit)
    environments = {found.id: found.name for found in environment_list()}
    names = workflow_names(workflow_ids={row.workflow_id for row in page.items})
    return Page([_line(row, environments, names) for row in page.items], page.next)


def _line(row: Schedule, environments: dict[UUID, str], names: dict[UUID, tuple[str, str]]) -> dict[str, Any]:
    slug, name = names.get(row.workflow_id, ("", ""))
    return {
        "id": str(row.id),
        "workflow": {"id": str(row.workflow_id), "slug": slug, "name": name},
        "version": row.version_number,
        "environment": environments.get(row.environment_id, ""),
        "name": row.name,
        "timetable": row.timetable,
        "definition": row.workflow_name,
        "action": row.action,
        "next_at": row.next_at.isoformat(),
        "last_at": None if row.last_at is None else row.last_at.isoformat(),
        "last_run": None if row.last_run_id is None else str(row.last_run_id),
    }
