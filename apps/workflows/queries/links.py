"""Reads of links between workflows; everything returned is a plain value."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.core.errors import NotFound
from apps.core.paging import USUAL_PAGE, Page, by_id
from apps.engine.links.cycles import Edge
from apps.engine.links.record import LinkFields
from apps.workflows.models import Workflow, WorkflowLink
from apps.workflows.queries.workflows import workflow_get, workflow_names

MOST_FOR_RINGS = 5_000  # links of a tenant that are looked at for rings


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link with the slugs and names of both of its workflows; `event_pattern` is the one that holds."""

    id: UUID
    source_workflow_id: UUID
    source_slug: str
    source_name: str
    target_workflow_id: UUID
    target_slug: str
    target_name: str
    link_type: str
    event_pattern: str
    target_action: str
    description: str
    params: dict[str, Any]
    created_at: datetime
    created_by: str

    @property
    def config(self) -> dict[str, Any]:
        """The record's `config`, as it could be sent."""
        pattern = "" if self.event_pattern == self.link_type else self.event_pattern
        return LinkFields(self.link_type, pattern, self.target_action, self.description, self.params).config


def link_list(
    *, workflow_id: UUID, inward: bool = False, after: UUID | None = None, limit: int = USUAL_PAGE
) -> Page[LinkView]:
    """Return the links out of a workflow, or `inward` those into it, newest first; raise `NotFound`."""
    workflow_get(workflow_id=workflow_id)
    where = {"target_id": workflow_id} if inward else {"source_id": workflow_id}
    found = by_id(WorkflowLink.objects.filter(**where), after=after, limit=limit)
    return Page(link_views(found.items), found.next)


def link_get(*, link_id: UUID, workflow_id: UUID | None = None) -> LinkView:
    """Return one link, with `workflow_id` only when it leads out of that workflow; raise `NotFound`."""
    rows = WorkflowLink.objects.filter(id=link_id)
    found = (rows if workflow_id is None else rows.filter(source_id=workflow_id)).first()
    if found is None:
        raise NotFound("There is no such link out of this workflow.")
    return link_views([found])[0]


def link_patterns(*, workflow_id: UUID) -> tuple[str, ...]:
    """Return what the links out of a workflow take in."""
    rows = WorkflowLink.objects.filter(source_id=workflow_id).values_list("event_pattern", flat=True)
    return tuple(sorted(set(rows)))


def link_edges() -> list[Edge]:
    """Return the tenant's links as edges of a graph, at most `MOST_FOR_RINGS` of them."""
    rows = WorkflowLink.objects.order_by("id").values_list(
        "id", "source_id", "target_id", "link_type", "event_pattern", "target_action"
    )
    return [Edge(*map(str, row)) for row in rows[:MOST_FOR_RINGS]]


def link_views(rows: Iterable[WorkflowLink]) -> list[LinkView]:
    """Copy rows into values."""
    rows = list(rows)
    names = workflow_names(workflow_ids=[end for row in rows for end in (row.source_id, row.target_id)])
    return [
        LinkView(
            row.id,
            row.source_id,
            *names[row.source_id],
            row.target_id,
            *names[row.target_id],
            row.link_type,
            row.event_pattern,
            row.target_action,
            row.description,
            json.loads(row.params),
            row.created_at,
            row.created_by,
        )
        for row in rows
    ]


def workflows_named(names: Iterable[str]) -> dict[str, list[UUID]]:
    """Return by reference the workflows that it may mean: the one of this id, else of this slug, else of this name.

    Archived ones are left out; a name may be that of several.
    """
    wanted = set(names)
    ids = {name: UUID(name) for name in wanted if _is_id(name)}
    rows = Workflow.objects.filter(Q(id__in=ids.values()) | Q(slug__in=wanted) | Q(name__in=wanted))
    known = list(rows.filter(archived_at__isnull=True).values_list("id", "slug", "name"))
    found: dict[str, list[UUID]] = {}
    for name in wanted:
        kinds = (
            [id_ for id_, _, _ in known if id_ == ids.get(name)],
            [id_ for id_, slug, _ in known if slug == name],
            [id_ for id_, _, called in known if called == name],
        )
        found[name] = next((kind for kind in kinds if kind), [])
    return found


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
