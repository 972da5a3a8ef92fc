"""Publishing: a draft becomes an immutable version."""

import hashlib
import json
from uuid import UUID

from django.db import transaction

from apps.core import audit, events
from apps.core.clock import now
from apps.core.scope import Actor
from apps.engine.findings import Severity
from apps.tenants.policy import require
from apps.workflows.errors import DocumentRefused, DraftMoved
from apps.workflows.events import VERSION_PUBLISHED
from apps.workflows.models import Version, Workflow
from apps.workflows.operations.workflows import workflow_lock_for_change
from apps.workflows.policy import PUBLISH
from apps.workflows.queries.documents import document_check
from apps.workflows.queries.versions import VersionView, version_view


@transaction.atomic
def version_publish(
    *,
    workflow_id: UUID,
    note: str = "",
    if_draft_revision: int | None = None,
    actor: Actor,
) -> VersionView:
    """Publish the draft under the next number.

    A document with blocked findings may be published; it is deploying it that is refused. Raises `DocumentRefused`
    when the draft has errors, `DraftMoved` when it is not at `if_draft_revision`, `NotFound`, `WorkflowArchived`.
    """
    require(actor, PUBLISH)
    workflow = workflow_lock_for_change(workflow_id)
    if if_draft_revision is not None and workflow.draft_revision != if_draft_revision:
        raise DraftMoved(
            f"The draft is at revision {workflow.draft_revision}, not {if_draft_revision}.",
            revision=workflow.draft_revision,
            saved_by=workflow.draft_saved_by,
        )
    content = bytes(workflow.draft)
    checked = document_check(text=content)
    if checked.of(Severity.ERROR):
        raise DocumentRefused("A document with errors cannot be published.", list(checked.findings))
    version = _next_version(workflow, content, note, actor)
    version.findings = json.dumps([finding.as_dict() for finding in checked.findings])
    version.save(force_insert=True)
    details = {"number": version.number, "sha256": version.sha256}
    audit.record(verb="version.publish", target="workflow", target_id=workflow.id, details=details)
    events.publish(VERSION_PUBLISHED, workflow_id=workflow.id, version_id=version.id, number=version.number)
    return version_view(version)


def _next_version(workflow: Workflow, content: bytes, note: str, actor: Actor) -> Version:
    workflow.last_version += 1
    workflow.updated_at = now()
    workflow.save(update_fields=["last_version", "updated_at"])
    return Version(
        workflow_id=workflow.id,
        number=workflow.last_version,
        document=content,
        sha256=hashlib.sha256(content).hexdigest(),
        note=note,
        published_at=workflow.updated_at,
        published_by=actor.label,
    )
