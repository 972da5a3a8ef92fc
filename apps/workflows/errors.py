"""What can stand in the way of a change to a workflow; doors answer these as problem+json."""

from typing import Any

from apps.core.errors import BadRequest, Conflict, Invalid, PreconditionFailed
from apps.engine.findings import Finding


class SlugTaken(Conflict):
    """Another workflow of the tenant has this slug."""

    code = "workflow.slug_taken"
    title = "Another workflow has this slug"


class WorkflowArchived(Conflict):
    """An archived workflow cannot be edited, published or deployed until it is restored."""

    code = "workflow.archived"
    title = "The workflow is archived"


class WorkflowLive(Conflict):
    """A workflow that is live somewhere cannot be archived."""

    code = "workflow.live"
    title = "The workflow is live"


class DraftMoved(PreconditionFailed):
    """Somebody else saved the draft first; the answer carries the revision there is."""

    code = "draft.moved"
    title = "The draft was saved by somebody else"


class DocumentRefused(Invalid):
    """The document has findings that forbid what was asked; the answer carries all of its findings."""

    code = "document.refused"
    title = "The document cannot be used like this"

    def __init__(self, detail: str, findings: list[Finding], **extra: Any) -> None:
        super().__init__(detail, findings=[finding.as_dict() for finding in findings], **extra)


class LinkRefused(BadRequest):
    """The link cannot be made: its target is none, or it does not say what it has to."""

    code = "link.bad"
    title = "The link cannot be made"


class LinkExists(Conflict):
    """The same link is there already."""

    code = "link.duplicate"
    title = "The link is there already"


class TooManyLinks(Conflict):
    """The workflow has as many links as it may have."""

    code = "links.too_many"
    title = "The workflow has too many links"
