"""The pages of workflows: the list, one workflow with its graph and text, one published version."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from apps.core.errors import NotFound, WeftError
from apps.core.pages.views import PageView, actor_of, may, page, tell_refusal
from apps.tenants.queries import ProjectView, project_by_slug, project_list
from apps.workflows.operations.workflows import workflow_archive, workflow_create, workflow_rename, workflow_restore
from apps.workflows.pages.facts import addresses, workflow_facts
from apps.workflows.pages.starter import STARTER
from apps.workflows.policy import EDIT, READ, READ_DEPLOYMENTS
from apps.workflows.queries.deployments import deployments_live_of
from apps.workflows.queries.versions import version_get, version_text
from apps.workflows.queries.workflows import WorkflowView, workflow_by_slug, workflow_list


class Workflows(PageView):
    """All workflows of the tenant or of one project, with what is live of each."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "POST": EDIT}

    def get(self, request: HttpRequest) -> HttpResponse:
        """List workflows."""
        project = _project(request.GET.get("project", ""))
        is_archived = request.GET.get("archived") == "1"
        found = workflow_list(
            project_id=project.id if project else None, archived=is_archived, after=_after(request), limit=50
        )
        live = deployments_live_of(workflow_ids=[one.id for one in found.items])
        names = {one.id: one.name for one in project_list(limit=200).items}
        context: dict[str, Any] = {
            "rows": [_row(one, names, live) for one in found.items],
            "next": found.next,
            "after": request.GET.get("after"),
            "is_archived": is_archived,
            "may_edit": may(request, EDIT),
        }
        return page(request, "workflows/workflows.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a workflow from the starting text and open it."""
        try:
            made = workflow_create(
                project_id=project_by_slug(request.POST.get("project", "")).id,
                name=request.POST.get("name", "").strip(),
                text=STARTER,
                actor=actor_of(request),
            )
        except WeftError as refusal:
            tell_refusal(request, refusal)
            return HttpResponseRedirect(_url(request, "workflows"))
        return HttpResponseRedirect(_url(request, "workflow", slug=made.slug))


class Workflow(PageView):
    """One workflow: the graph beside its text, versions, runs, addresses."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "POST": EDIT}

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show it."""
        workflow = workflow_by_slug(slug=slug)
        facts = workflow_facts(request, workflow)
        context = {"workflow": workflow, "facts": facts, "may_edit": may(request, EDIT)}
        return page(request, "workflows/workflow.html", context)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Rename, put away or take back."""
        workflow = workflow_by_slug(slug=slug)
        try:
            messages.success(request, _change(request, workflow))
        except WeftError as refusal:
            tell_refusal(request, refusal)
        return HttpResponseRedirect(_url(request, "workflow", slug=slug))


class WorkflowAddresses(PageView):
    """Where the live versions of a workflow answer, as JSON for its page."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_DEPLOYMENTS}

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """List the addresses."""
        return JsonResponse({"addresses": addresses(workflow_by_slug(slug=slug).id)})


class Version(PageView):
    """One published version: its text, as it will be for ever."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    def get(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        """Show it."""
        workflow = workflow_by_slug(slug=slug)
        context = {
            "workflow": workflow,
            "version": version_get(workflow_id=workflow.id, number=number),
            "text": version_text(workflow_id=workflow.id, number=number),
        }
        return page(request, "workflows/version.html", context)


def _change(request: HttpRequest, workflow: WorkflowView) -> str:
    actor = actor_of(request)
    match request.POST.get("deed"):
        case "rename":
            name, description = request.POST.get("name", "").strip(), request.POST.get("description", "").strip()
            workflow_rename(workflow_id=workflow.id, name=name, description=description, actor=actor)
            return "The workflow was renamed."
        case "archive":
            workflow_archive(workflow_id=workflow.id, actor=actor)
            return "The workflow is put away."
        case "restore":
            workflow_restore(workflow_id=workflow.id, actor=actor)
            return "The workflow is back."
        case _:
            raise NotFound


def _row(one: WorkflowView, projects: dict[UUID, str], live: dict[UUID, Any]) -> dict[str, Any]:
    return {"workflow": one, "project": projects.get(one.project_id, ""), "live": live.get(one.id, [])}


def _project(slug: str) -> ProjectView | None:
    return project_by_slug(slug) if slug else None


def _after(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET["after"]) if "after" in request.GET else None
    except ValueError:
        raise NotFound from None


def _url(request: HttpRequest, name: str, **more: str) -> str:
    return reverse(name, kwargs={"tenant": request.tenant.slug, **more})  # type: ignore[attr-defined]
