"""Reads of workflows and their drafts; everything returned is a plain value."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.errors import NotFound
from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.core.single import single
from apps.tenants.queries import project_get
from apps.workflows.models import Workflow


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow without its texts; `revision` counts changes of name and description."""

    id: UUID
    project_id: UUID
    slug: str
    name: str
    description: str
    revision: int
    draft_revision: int
    last_version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class DraftView:
    """The text being edited; `revision` is what a save must name."""

    workflow_id: UUID
    text: str
    sha256: str
    revision: int
    saved_at: datetime
    saved_by: str


_COLUMNS = (
    "id",
    "project_id",
    "slug",
    "name",
    "description",
    "revision",
    "draft_revision",
    "last_version",
    "created_at",
    "updated_at",
    "archived_at",
)


def workflow_view(workflow: Workflow) -> WorkflowView:
    """Copy a row into a value."""
    return WorkflowView(**{name: getattr(workflow, name) for name in _COLUMNS})


def workflow_get(*, workflow_id: UUID) -> WorkflowView:
    """Return one workflow, archived or not; raise `NotFound`."""
    row = single(Workflow.objects.filter(id=workflow_id).values(*_COLUMNS))
    if row is None:
        raise NotFound("There is no such workflow.")
    return WorkflowView(**row)


def workflow_by_slug(*, slug: str) -> WorkflowView:
    """Return the workflow an address names, archived or not; raise `NotFound`."""
    row = single(Workflow.objects.filter(slug=slug).values(*_COLUMNS))
    if row is None:
        raise NotFound("There is no such workflow.")
    return WorkflowView(**row)


def workflow_list(
    *,
    project_id: UUID | None = None,
    archived: bool = False,
    after: UUID | None = None,
    limit: int = USUAL_PAGE,
) -> Page[WorkflowView]:
    """Return workflows, newest first, archived ones only when asked for; raise `NotFound` for an unknown project."""
    rows = Workflow.objects.filter(archived_at__isnull=not archived).defer("draft")
    if project_id is not None:
        project_get(project_id=project_id)
        rows = rows.filter(project_id=project_id)
    found = by_id(rows, after=after, limit=limit)
    return Page([workflow_view(row) for row in found.items], found.next)


def workflow_names(*, workflow_ids: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return (slug, name) by id, for lists that show workflows by reference."""
    rows = Workflow.objects.filter(id__in=set(workflow_ids)).values_list("id", "slug", "name")
    return {identity: (slug, name) for identity, slug, name in rows}


def draft_get(*, workflow_id: UUID) -> DraftView:
    """Return the draft of a workflow; raise `NotFound`."""
    row = single(Workflow.objects.filter(id=workflow_id))
    if row is None:
        raise NotFound("There is no such workflow.")
    return draft_view(row)


def draft_view(workflow: Workflow) -> DraftView:
    """Copy the draft's columns of a row into a value."""
    return DraftView(
        workflow_id=workflow.id,
        text=bytes(workflow.draft).decode(),
        sha256=workflow.draft_sha256,
        revision=workflow.draft_revision,
        saved_at=workflow.draft_saved_at,
        saved_by=workflow.draft_saved_by,
    )
