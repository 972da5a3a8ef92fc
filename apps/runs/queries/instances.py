"""Reads of state-machine instances."""

from typing import Any
from uuid import UUID

from apps.core.errors import NotFound
from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.core.single import single
from apps.engine.redaction import Redactor
from apps.runs.models import Instance, InstanceTransition
from apps.runs.queries.shown import redactors_of, text_of, value_of
from apps.runs.rules.sealing import INSTANCE_DATA, INSTANCE_ERROR, TRANSITION_DATA
from apps.tenants.queries import environment_get, environment_list
from apps.workflows.queries.workflows import workflow_names


def instance_list(
    *,
    workflow_id: UUID | None = None,
    environment: str | None = None,
    machine: str | None = None,
    state: str | None = None,
    key: str | None = None,
    after: UUID | None = None,
    limit: int = USUAL_PAGE,
) -> Page[dict[str, Any]]:
    """Return instances, newest first, without their data; raise `NotFound` for an unknown environment."""
    rows = Instance.objects.defer("data")
    if workflow_id is not None:
        rows = rows.filter(workflow_id=workflow_id)
    if environment is not None:
        rows = rows.filter(environment_id=environment_get(name=environment).id)
    given = {"machine": machine, "state": state, "key": key}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    page = by_id(rows, after=after, limit=limit)
    if not page.items:
        return Page([], None)
    names = workflow_names(workflow_ids={row.workflow_id for row in page.items})
    places = environment_list()
    environments = {found.id: found.name for found in places}
    redactors = redactors_of((row.environment_id for row in page.items), places)
    return Page([_line(row, names, environments, redactors[row.environment_id]) for row in page.items], page.next)


def instance_get(*, instance_id: UUID) -> dict[str, Any]:
    """Return one instance with its data and history; raise `NotFound`."""
    row = single(Instance.objects.filter(id=instance_id))
    if row is None:
        raise NotFound("There is no such instance.")
    names = workflow_names(workflow_ids=[row.workflow_id])
    places = environment_list()
    environments = {found.id: found.name for found in places}
    redactor = redactors_of([row.environment_id], places)[row.environment_id]
    history = InstanceTransition.objects.filter(instance_id=row.id).order_by("sequence")
    return {
        **_line(row, names, environments, redactor),
        "data": value_of(row.data, INSTANCE_DATA, redactor),
        "history": [_transition(line, redactor) for line in history],
    }


def live_states(*, workflow_id: UUID, environment_id: UUID) -> dict[tuple[str, str], int]:
    """Return how many unfinished instances stand in each (machine, state)."""
    counts: dict[tuple[str, str], int] = {}
    rows = Instance.objects.filter(workflow_id=workflow_id, environment_id=environment_id, completed=False)
    for machine, state in rows.values_list("machine", "state"):
        counts[machine, state] = counts.get((machine, state), 0) + 1
    return counts


def _line(
    row: Instance, names: dict[UUID, tuple[str, str]], environments: dict[UUID, str], redactor: Redactor
) -> dict[str, Any]:
    slug, name = names.get(row.workflow_id, ("", ""))
    return {
        "id": str(row.id),
        "workflow": {"id": str(row.workflow_id), "slug": slug, "name": name},
        "environment": environments.get(row.environment_id, ""),
        "machine": row.machine,
        "key": redactor.text(row.key),
        "state": row.state,
        "previous_state": row.previous_state,
        "completed": row.completed,
        "error": text_of(row.error, INSTANCE_ERROR, redactor),
        "sequence": row.sequence,
        "started_at": row.started_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def _transition(line: InstanceTransition, redactor: Redactor) -> dict[str, Any]:
    return {
        "sequence": line.sequence,
        "transition": line.transition,
        "from": line.from_state,
        "to": line.to_state,
        "data": value_of(line.data, TRANSITION_DATA, redactor),
        "run_id": None if line.run_id is None else str(line.run_id),
        "at": line.at.isoformat(),
    }
