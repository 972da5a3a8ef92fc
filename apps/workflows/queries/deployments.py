"""Reads of what is live where, and of what was."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.core.single import single
from apps.workflows.models import Deployment
from apps.workflows.queries.workflows import workflow_get

_COLUMNS = (
    "id", "workflow_id", "environment_id", "version_id", "deployed_at", "deployed_by", "ended_at",
    "are_orphans_confirmed", "state_map", "workflow__slug", "environment__name", "version__number", "version__sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """One line of the deployment history; live while `ended_at` is None."""

    id: UUID
    workflow_id: UUID
    workflow_slug: str
    environment_id: UUID
    environment: str
    version_id: UUID
    version: int
    sha256: str
    deployed_at: datetime
    deployed_by: str
    ended_at: datetime | None
    are_orphans_confirmed: bool
    state_map: dict[str, dict[str, str]]

    @property
    def is_live(self) -> bool:
        """Say whether this is what the environment serves now."""
        return self.ended_at is None


def deployment_list(
    *,
    workflow_id: UUID | None = None,
    environment: str | None = None,
    live_only: bool = False,
    after: UUID | None = None,
    limit: int = USUAL_PAGE,
) -> Page[DeploymentView]:
    """Return deployments, newest first; raise `NotFound` for an unknown workflow."""
    rows = _rows()
    if workflow_id is not None:
        workflow_get(workflow_id=workflow_id)
        rows = rows.filter(workflow_id=workflow_id)
    if environment is not None:
        rows = rows.filter(environment__name=environment)
    if live_only:
        rows = rows.filter(ended_at__isnull=True)
    found = by_id(rows, after=after, limit=limit)
    return Page([_view(row) for row in found.items], found.next)


def deployment_get(*, deployment_id: UUID) -> DeploymentView:
    """Return one deployment; raise `NotFound`."""
    row = single(_rows().filter(id=deployment_id))
    if row is None:
        raise NotFound("There is no such deployment.")
    return _view(row)


def deployments_live_of(*, workflow_ids: Iterable[UUID]) -> dict[UUID, list[DeploymentView]]:
    """Return what is live of several workflows, for lists: by workflow id, in order of environments."""
    found: dict[UUID, list[DeploymentView]] = {}
    live = _rows().filter(workflow_id__in=set(workflow_ids), ended_at__isnull=True)
    for row in live.order_by("environment__position"):
        found.setdefault(row.workflow_id, []).append(_view(row))
    return found


def deployments_live_in(*, environment_id: UUID) -> list[DeploymentView]:
    """Return what is live in an environment, but for workflows that are archived."""
    live = _rows().filter(environment_id=environment_id, ended_at__isnull=True, workflow__archived_at__isnull=True)
    return [_view(row) for row in live.order_by("id")]


def _rows() -> QuerySet[Deployment]:
    return Deployment.objects.select_related("workflow", "environment", "version").only(*_COLUMNS)


def _view(row: Deployment) -> DeploymentView:
    return DeploymentView(
        id=row.id,
        workflow_id=row.workflow_id,
        workflow_slug=row.workflow.slug,
        environment_id=row.environment_id,
        environment=row.environment.name,
        version_id=row.version_id,
        version=row.version.number,
        sha256=row.version.sha256,
        deployed_at=row.deployed_at,
        deployed_by=row.deployed_by,
        ended_at=row.ended_at,
        are_orphans_confirmed=row.are_orphans_confirmed,
        state_map=json.loads(row.state_map),
    )
