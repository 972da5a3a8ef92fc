"""The page of a workflow's links: what it leads to, what leads to it, making, removing and importing."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.core.errors import NotFound, WeftError
from apps.core.pages.views import PageView, actor_of, may, page, tell_refusal
from apps.core.paging import LONGEST_PAGE
from apps.engine.links.record import FORWARD, TRIGGER
from apps.workflows.errors import DocumentRefused
from apps.workflows.operations.link_import import links_import
from apps.workflows.operations.links import link_create, link_delete
from apps.workflows.policy import EDIT, READ
from apps.workflows.queries.links import link_get, link_list
from apps.workflows.queries.workflows import WorkflowView, workflow_by_slug, workflow_list

FIELDS = ("event_pattern", "target_action", "description")


class WorkflowLinks(PageView):
    """Which events of a workflow go to others, and which of others come to it."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "POST": EDIT}

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show both directions."""
        return page(request, "workflows/links.html", _context(request, workflow_by_slug(slug=slug)))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Make, remove or import links."""
        workflow = workflow_by_slug(slug=slug)
        try:
            messages.success(request, _change(request, workflow))
        except DocumentRefused as refusal:
            shown = {
                "text": request.POST.get("text", ""),
                "replace": request.POST.get("replace") == "1",
                "refusal": refusal,
                "faults": refusal.extra["findings"],
            }
            return page(request, "workflows/links.html", _context(request, workflow) | shown, status=422)
        except WeftError as refusal:
            tell_refusal(request, refusal)
        tenant = request.tenant.slug  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("workflow-links", kwargs={"tenant": tenant, "slug": slug}))


def _context(request: HttpRequest, workflow: WorkflowView) -> dict[str, Any]:
    out = link_list(workflow_id=workflow.id, after=_after(request, "after"), limit=LONGEST_PAGE)
    into = link_list(workflow_id=workflow.id, inward=True, after=_after(request, "into"), limit=LONGEST_PAGE)
    others = [one for one in workflow_list(limit=LONGEST_PAGE).items if one.id != workflow.id]
    return {
        "workflow": workflow,
        "out": out.items,
        "into": into.items,
        "next": out.next,
        "next_into": into.next,
        "after": request.GET.get("after"),
        "others": others,
        "link_types": ((TRIGGER, "Start a run there"), (FORWARD, "Publish it there")),
        "may_edit": workflow.archived_at is None and may(request, EDIT),
    }


def _change(request: HttpRequest, workflow: WorkflowView) -> str:
    sent, actor = request.POST, actor_of(request)
    match sent.get("deed"):
        case "create":
            said = {key: sent[key] for key in ("target", "link_type", *FIELDS) if sent.get(key)}
            made = link_create(workflow_id=workflow.id, said=said, actor=actor)
            for finding in made.findings:
                messages.warning(request, finding.message)
            return f"The link to {made.link.target_name} is made. It holds at once, in every environment."
        case "remove":
            link = link_get(link_id=_id(sent.get("id", "")))
            if workflow.id not in (link.source_workflow_id, link.target_workflow_id):
                raise NotFound
            link_delete(workflow_id=link.source_workflow_id, link_id=link.id, actor=actor)
            return f"The link from {link.source_name} to {link.target_name} is removed."
        case "import":
            done = links_import(text=sent.get("text", ""), replace=sent.get("replace") == "1", actor=actor)
            for finding in done.findings:
                messages.warning(request, finding.message)
            return f"{len(done.created)} made, {len(done.unchanged)} unchanged, {len(done.removed)} removed."
        case _:
            raise NotFound


def _after(request: HttpRequest, name: str) -> UUID | None:
    return _id(request.GET[name]) if name in request.GET else None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
