"""Changes of a workflow itself: create, rename, archive, restore."""

import hashlib
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.core import audit, events
from apps.core.clock import now
from apps.core.errors import Invalid, NotFound, PreconditionFailed
from apps.core.scope import Actor
from apps.core.single import single
from apps.tenants.policy import require
from apps.tenants.queries import project_get
from apps.workflows.errors import SlugTaken, WorkflowArchived, WorkflowLive
from apps.workflows.events import WORKFLOW_CHANGED, WORKFLOW_CREATED
from apps.workflows.models import Deployment, Workflow
from apps.workflows.operations.texts import encoded
from apps.workflows.policy import EDIT
from apps.workflows.queries.workflows import WorkflowView, workflow_view
from apps.workflows.rules.slugs import is_slug, slug_from_name


@transaction.atomic
def workflow_create(
    *,
    project_id: UUID,
    name: str,
    slug: str = "",
    description: str = "",
    text: str = "",
    actor: Actor,
) -> WorkflowView:
    """Add a workflow to a project, with `text` as its first draft.

    Without a slug one is made from the name. Raises `NotFound` for a project of nobody's or somebody else's, `Invalid`
    for an impossible slug and `SlugTaken`.
    """
    require(actor, EDIT)
    project_get(project_id=project_id)
    chosen = _slug(slug, name)
    draft = encoded(text)
    at = now()
    workflow = Workflow(
        project_id=project_id,
        slug=chosen,
        name=name,
        description=description,
        draft=draft,
        draft_sha256=hashlib.sha256(draft).hexdigest(),
        draft_saved_at=at,
        draft_saved_by=actor.label,
        created_at=at,
        updated_at=at,
    )
    _insert(workflow)
    audit.record(verb="workflow.create", target="workflow", target_id=workflow.id, details={"slug": chosen})
    events.publish(WORKFLOW_CREATED, workflow_id=workflow.id)
    return workflow_view(workflow)


@transaction.atomic
def workflow_rename(
    *,
    workflow_id: UUID,
    name: str | None = None,
    description: str | None = None,
    if_revision: int | None = None,
    actor: Actor,
) -> WorkflowView:
    """Change name or description; the slug stays, because addresses are built from it.

    Raises `PreconditionFailed` when `if_revision` is not the current one.
    """
    require(actor, EDIT)
    workflow = workflow_lock(workflow_id)
    _demand_not_archived(workflow)
    if if_revision is not None and if_revision != workflow.revision:
        raise PreconditionFailed(f"The workflow is at revision {workflow.revision}, not {if_revision}.")
    before = {"name": workflow.name, "description": workflow.description}
    workflow.name = workflow.name if name is None else name
    workflow.description = workflow.description if description is None else description
    after = {"name": workflow.name, "description": workflow.description}
    if after == before:
        return workflow_view(workflow)
    return _saved(workflow, "workflow.rename", ["name", "description"], before=before, after=after)


@transaction.atomic
def workflow_archive(*, workflow_id: UUID, actor: Actor) -> WorkflowView:
    """Put a workflow away; it keeps its slug, versions and history. Raises `WorkflowLive` while it is live anywhere."""
    require(actor, EDIT)
    workflow = workflow_lock(workflow_id)
    if workflow.archived_at is not None:
        return workflow_view(workflow)
    if Deployment.objects.filter(workflow_id=workflow.id, ended_at__isnull=True).exists():
        raise WorkflowLive("Take the workflow out of every environment before archiving it.")
    workflow.archived_at = now()
    return _saved(workflow, "workflow.archive", ["archived_at"])


@transaction.atomic
def workflow_restore(*, workflow_id: UUID, actor: Actor) -> WorkflowView:
    """Take an archived workflow back into use."""
    require(actor, EDIT)
    workflow = workflow_lock(workflow_id)
    if workflow.archived_at is None:
        return workflow_view(workflow)
    workflow.archived_at = None
    return _saved(workflow, "workflow.restore", ["archived_at"])


def workflow_lock(workflow_id: UUID) -> Workflow:
    """Return the row, held until the transaction ends; raise `NotFound`."""
    workflow = single(Workflow.objects.select_for_update().filter(id=workflow_id))
    if workflow is None:
        raise NotFound("There is no such workflow.")
    return workflow


def workflow_lock_for_change(workflow_id: UUID) -> Workflow:
    """As `workflow_lock`; raise `WorkflowArchived` as well."""
    workflow = workflow_lock(workflow_id)
    _demand_not_archived(workflow)
    return workflow


def _demand_not_archived(workflow: Workflow) -> None:
    if workflow.archived_at is not None:
        raise WorkflowArchived("Restore the workflow first.")


def _saved(workflow: Workflow, verb: str, fields: list[str], **details: object) -> WorkflowView:
    workflow.revision += 1
    workflow.updated_at = now()
    workflow.save(update_fields=[*fields, "revision", "updated_at"])
    audit.record(verb=verb, target="workflow", target_id=workflow.id, details=details)
    events.publish(WORKFLOW_CHANGED, workflow_id=workflow.id)
    return workflow_view(workflow)


def _slug(slug: str, name: str) -> str:
    chosen = slug or slug_from_name(name)
    if not is_slug(chosen):
        message = "Use 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends."
        raise Invalid("The slug cannot be part of an address.", errors=[{"pointer": "/slug", "message": message}])
    return chosen


def _insert(workflow: Workflow) -> None:
    try:
        with transaction.atomic():
            workflow.save(force_insert=True)
    except IntegrityError:
        raise SlugTaken(f"Another workflow has the slug {workflow.slug!r}; slugs are unique in a tenant.") from None
