"""Reads of published versions."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.core.errors import NotFound
from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.core.single import single
from apps.workflows.models import Version
from apps.workflows.queries.workflows import workflow_get


@dataclass(frozen=True, slots=True)
class VersionView:
    """A published version without its text; `findings` are those it was published with (blocked and warnings)."""

    id: UUID
    workflow_id: UUID
    number: int
    sha256: str
    note: str
    findings: list[dict[str, Any]]
    published_at: datetime
    published_by: str


def version_view(version: Version) -> VersionView:
    """Copy a row into a value."""
    return VersionView(
        id=version.id,
        workflow_id=version.workflow_id,
        number=version.number,
        sha256=version.sha256,
        note=version.note,
        findings=json.loads(version.findings),
        published_at=version.published_at,
        published_by=version.published_by,
    )


def version_list(*, workflow_id: UUID, after: UUID | None = None, limit: int = USUAL_PAGE) -> Page[VersionView]:
    """Return the versions of a workflow, newest first; raise `NotFound` for an unknown workflow."""
    workflow_get(workflow_id=workflow_id)
    rows = Version.objects.filter(workflow_id=workflow_id).defer("document")
    found = by_id(rows, after=after, limit=limit)
    return Page([version_view(row) for row in found.items], found.next)


def version_get(*, workflow_id: UUID, number: int) -> VersionView:
    """Return one version; raise `NotFound`."""
    row = single(Version.objects.filter(workflow_id=workflow_id, number=number).defer("document"))
    if row is None:
        raise NotFound(f"The workflow has no version {number}.")
    return version_view(row)


def version_text(*, workflow_id: UUID, number: int) -> str:
    """Return the document of one version as it was published; raise `NotFound`."""
    kept = Version.objects.filter(workflow_id=workflow_id, number=number)
    found = single(kept.values_list("document", flat=True))
    if found is None:
        raise NotFound(f"The workflow has no version {number}.")
    return bytes(found).decode()
