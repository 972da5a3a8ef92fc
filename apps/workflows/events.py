"""What workflows announce: past tense, ids and small values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from apps.engine.document import Document

WORKFLOW_CREATED = "workflow.created"
WORKFLOW_CHANGED = "workflow.changed"
VERSION_PUBLISHED = "version.published"
DEPLOYMENT_CHANGED = "deployment.changed"
LINK_CREATED = "link.created"
LINK_REMOVED = "link.removed"


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """A deployment about to happen, as shown to whoever may object to it.

    `confirm_orphans` says that instances whose state the document lacks may stay where they are; `state_map` names,
    by machine, the state that each lost state becomes.
    """

    environment_id: UUID
    environment: str
    workflow_id: UUID
    version_id: UUID
    version: int
    document: Document
    confirm_orphans: bool
    state_map: Mapping[str, Mapping[str, str]]
