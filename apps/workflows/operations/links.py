"""Making and removing links between workflows; they hold at once, in every environment."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.core import audit, events
from apps.core.clock import now
from apps.core.errors import NotFound
from apps.core.scope import Actor, current_tenant
from apps.engine.codes import finding
from apps.engine.findings import Finding
from apps.engine.links.cycles import Edge, Rings
from apps.engine.links.record import MOST_LINKS, Fault, LinkFields, fields_of
from apps.tenants.policy import require
from apps.workflows.errors import LinkExists, LinkRefused, TooManyLinks
from apps.workflows.events import LINK_CREATED, LINK_REMOVED
from apps.workflows.models import WorkflowLink
from apps.workflows.operations.workflows import workflow_lock, workflow_lock_for_change
from apps.workflows.policy import EDIT
from apps.workflows.queries.links import LinkView, link_edges, link_get, workflows_named
from apps.workflows.queries.workflows import workflow_names

TARGET_KEYS = ("target_workflow_id", "target")


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A new link, and what is to be said about it."""

    link: LinkView
    findings: list[Finding]


@transaction.atomic
def link_create(*, workflow_id: UUID, said: dict[str, Any], actor: Actor) -> MadeLink:
    """Join a workflow to another; `said` is the record: target_workflow_id (or target), link_type, config.

    A ring that the patterns show is a finding, and no refusal. Raises `NotFound`, `LinkRefused` with a pointer to each
    fault, `LinkExists`, `TooManyLinks` and `WorkflowArchived`.
    """
    require(actor, EDIT)
    source = workflow_lock_for_change(workflow_id)
    fields, faults = fields_of(said)
    target, more = _target(source.id, said)
    faults += more
    if fields is None or target is None or faults:
        errors = [{"pointer": "".join(f"/{step}" for step in each.path), "message": each.message} for each in faults]
        raise LinkRefused("This is no link.", errors=errors)
    if WorkflowLink.objects.filter(source_id=source.id).count() >= MOST_LINKS:
        raise TooManyLinks(f"A workflow has at most {MOST_LINKS} links to others.")
    link = link_insert(source.id, target, fields, actor)
    if link is None:
        raise LinkExists("A link with this source, target, type, pattern and action exists.")
    return MadeLink(link_get(link_id=link.id), ring_findings([link]))


@transaction.atomic
def link_delete(*, workflow_id: UUID, link_id: UUID, actor: Actor) -> None:
    """Remove a link out of a workflow; messages that wait for it become dead letters. Raises `NotFound`."""
    require(actor, EDIT)
    workflow_lock(workflow_id)
    link = WorkflowLink.objects.filter(id=link_id, source_id=workflow_id).first()
    if link is None:
        raise NotFound("There is no such link out of this workflow.")
    link_remove(link)


def link_insert(source_id: UUID, target_id: UUID, fields: LinkFields, actor: Actor) -> WorkflowLink | None:
    """Write a link, its audit row and its event; None when the same one is there already."""
    link = WorkflowLink(
        source_id=source_id,
        target_id=target_id,
        link_type=fields.link_type,
        event_pattern=fields.pattern,
        target_action=fields.target_action,
        description=fields.description,
        params=json.dumps(fields.params),
        created_at=now(),
        created_by=actor.label,
    )
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError:
        return None
    _tell("link.create", LINK_CREATED, link)
    return link


def link_remove(link: WorkflowLink) -> None:
    """Delete a link, with its audit row and its event."""
    link_id = link.id
    link.delete()
    link.id = link_id
    _tell("link.delete", LINK_REMOVED, link)


def ring_findings(links: Iterable[WorkflowLink]) -> list[Finding]:
    """Return a warning for each new link that closes a ring of links, told by their patterns."""
    edges = {edge.name: edge for edge in link_edges()}
    rings = Rings(edges.values())
    found = [ring for link in links if (ring := rings.through(edges[str(link.id)]) if str(link.id) in edges else ())]
    names = workflow_names(workflow_ids=[UUID(edge.source) for ring in found for edge in ring])
    return [finding("link.cycle", "", _round(ring, names), 0, 0) for ring in found]


def _round(ring: tuple[Edge, ...], names: dict[UUID, tuple[str, str]]) -> str:
    way = " -> ".join(names[UUID(edge.source)][0] for edge in (*ring, ring[0]))
    return f"Links lead events round: {way}. An event passes each of them once, then it is refused as link.loop."


def _tell(verb: str, event: str, link: WorkflowLink) -> None:
    details = {
        "source": str(link.source_id),
        "target": str(link.target_id),
        "link_type": link.link_type,
        "event_pattern": link.event_pattern,
        "target_action": link.target_action,
    }
    audit.record(verb=verb, target="link", target_id=link.id, details=details)
    events.publish(event, link_id=link.id, source_workflow_id=link.source_id, target_workflow_id=link.target_id)
    events.notify("deployment", current_tenant(), link.source_id)  # what is live there hears for the link


def _target(source_id: UUID, said: dict[str, Any]) -> tuple[UUID | None, list[Fault]]:
    for key in TARGET_KEYS:
        if said.get(key) is not None:
            return _meant(source_id, key, said[key])
    return None, [Fault((TARGET_KEYS[0],), "link.required", "The link says no target_workflow_id.")]


def _meant(source_id: UUID, key: str, name: Any) -> tuple[UUID | None, list[Fault]]:
    found = workflows_named([name])[name] if isinstance(name, str) else []
    if not found:
        return None, [Fault((key,), "link.workflow.unknown", "There is no such workflow, or it is archived.")]
    if len(found) > 1:
        return None, [Fault((key,), "link.workflow.ambiguous", "Several workflows have this name; use the slug.")]
    if found[0] == source_id:
        return None, [Fault((key,), "link.self", "A workflow is not linked to itself.")]
    return found[0], []
