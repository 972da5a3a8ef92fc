"""Saving the text being edited."""

import hashlib
from uuid import UUID

from django.db import transaction

from apps.core import audit
from apps.core.clock import now
from apps.core.scope import Actor
from apps.tenants.policy import require
from apps.workflows.errors import DraftMoved
from apps.workflows.operations.texts import encoded
from apps.workflows.operations.workflows import workflow_lock_for_change
from apps.workflows.policy import EDIT
from apps.workflows.queries.workflows import DraftView, draft_view


@transaction.atomic
def draft_save(*, workflow_id: UUID, text: str, if_revision: int, actor: Actor) -> DraftView:
    """Replace the draft with `text`, whatever it contains: a draft may be wrong for as long as it is a draft.

    Saving what is already there changes nothing. Raises `DraftMoved` when `if_revision` is not the current revision,
    `NotFound` and `WorkflowArchived`.
    """
    require(actor, EDIT)
    content = encoded(text)
    workflow = workflow_lock_for_change(workflow_id)
    if workflow.draft_revision != if_revision:
        raise DraftMoved(
            f"The draft is at revision {workflow.draft_revision}, not {if_revision}.",
            revision=workflow.draft_revision,
            saved_by=workflow.draft_saved_by,
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest == workflow.draft_sha256:
        return draft_view(workflow)
    workflow.draft = content
    workflow.draft_sha256 = digest
    workflow.draft_revision += 1
    workflow.draft_saved_at = workflow.updated_at = now()
    workflow.draft_saved_by = actor.label
    workflow.save(
        update_fields=["draft", "draft_sha256", "draft_revision", "draft_saved_at", "draft_saved_by", "updated_at"]
    )
    audit.record(verb="draft.save", target="workflow", target_id=workflow.id, details={"sha256": digest})
    return draft_view(workflow)
