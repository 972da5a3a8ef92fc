"""The pages of runs: the list, one run live, cancel and retry."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.core.errors import NotFound, WeftError
from apps.core.pages.places import environment_of
from apps.core.pages.views import PageView, actor_of, may, page, tell_refusal
from apps.runs.operations.runs import run_cancel, run_retry
from apps.runs.pages.asked import SOURCES, STATES, WINDOWS, after, asked_runs
from apps.runs.policy import CANCEL, READ, RETRY
from apps.runs.queries.runs import run_get, run_list
from apps.tenants.queries import environment_list
from apps.workflows.queries.documents import document_check
from apps.workflows.queries.versions import version_text
from apps.workflows.queries.workflows import workflow_list

SHOWN_WORKFLOWS = 200


class Runs(PageView):
    """All runs of an environment, newest first, narrowed by what the address asks."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    def get(self, request: HttpRequest) -> HttpResponse:
        """List runs."""
        environment = environment_of(request, environment_list())
        asked, wanted = asked_runs(request, environment.name if environment else "")
        found = run_list(wanted=wanted, after=after(request))
        context: dict[str, Any] = {
            "runs": found.items,
            "next": found.next,
            "after": request.GET.get("after"),
            "asked": asked,
            "states": STATES,
            "sources": SOURCES,
            "windows": list(WINDOWS),
            "workflows": workflow_list(limit=SHOWN_WORKFLOWS).items,
        }
        return page(request, "runs/runs.html", context)


class Run(PageView):
    """One run: its steps as they happen."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    def get(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Show it, from its first state on."""
        run = run_get(run_id=run_id)
        request.environment_name = run["environment"]  # type: ignore[attr-defined]
        slug = run["workflow"]["slug"]
        tenant = request.tenant.slug  # type: ignore[attr-defined]
        workflow_url = reverse("workflow", kwargs={"tenant": tenant, "slug": slug}) if slug else ""
        context = {
            "run": run,
            "facts": {"run": run, "graph": _graph(run), "workflow_url": workflow_url},
            "workflow_url": workflow_url,
            "may_cancel": may(request, CANCEL),
            "may_retry": may(request, RETRY),
            "is_open": run["finished_at"] is None,
            "environment_home": reverse("runs", kwargs={"tenant": tenant}),
        }
        return page(request, "runs/run.html", context)


class RunCancel(PageView):
    """Ends a run that has not ended."""

    permissions: ClassVar[dict[str, str]] = {"POST": CANCEL}

    def post(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Cancel it and show it again."""
        try:
            run_cancel(run_id=run_id, actor=actor_of(request))
            messages.success(request, "The run is cancelled. What was sent before stays sent.")
        except WeftError as refusal:
            tell_refusal(request, refusal)
        return _back(request, run_id)


class RunRetry(PageView):
    """Tries a failed run again from the step that failed."""

    permissions: ClassVar[dict[str, str]] = {"POST": RETRY}

    def post(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Retry it and show it again."""
        try:
            run_retry(run_id=run_id, actor=actor_of(request))
            messages.success(request, "The run goes on from the step that failed.")
        except WeftError as refusal:
            tell_refusal(request, refusal)
        return _back(request, run_id)


def _back(request: HttpRequest, run_id: UUID) -> HttpResponse:
    tenant = request.tenant.slug  # type: ignore[attr-defined]
    return HttpResponseRedirect(reverse("run", kwargs={"tenant": tenant, "run_id": run_id}))


def _graph(run: dict[str, Any]) -> dict[str, Any] | None:
    try:
        text = version_text(workflow_id=UUID(run["workflow"]["id"]), number=run["version"])
    except NotFound:
        return None
    return document_check(text=text).graph()
