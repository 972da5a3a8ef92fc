"""What the command bar finds: workflows by name, runs by id or correlation, instances by key."""

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from apps.core.errors import NotFound
from apps.core.pages.formats import STATES, short
from apps.core.pages.views import PageView
from apps.runs.policy import READ
from apps.runs.queries.instances import instance_list
from apps.runs.queries.runs import RunFilter, run_get, run_list
from apps.workflows.queries.workflows import workflow_list

SHOWN = 6
RECENT = 200
SHORTEST_ID = 4
LONGEST = 200

Offer = dict[str, str]


class Search(PageView):
    """Offers for what was typed."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Find things of the tenant."""
        query = request.GET.get("q", "").strip()[:LONGEST]
        tenant: str = request.tenant.slug  # type: ignore[attr-defined]
        results = [*_workflows(tenant, query), *_runs(tenant, query), *_instances(tenant, query)] if query else []
        return JsonResponse({"results": results})


def _workflows(tenant: str, query: str) -> list[Offer]:
    wanted = query.lower()
    found = [one for one in workflow_list(limit=RECENT).items if wanted in f"{one.name} {one.slug}".lower()]
    return [
        _offer("Workflows", one.name, "Workflow", "workflows", reverse("workflow", args=[tenant, one.slug]))
        for one in found[:SHOWN]
    ]


def _runs(tenant: str, query: str) -> list[Offer]:
    try:
        lines: Iterable[dict[str, object]] = [run_get(run_id=UUID(query))]
    except (ValueError, NotFound):
        lines = [*_runs_by_end(query), *run_list(wanted=RunFilter(correlation=query), limit=SHOWN).items]
    return [
        _offer(
            "Runs",
            f"Run {short(line['id'])}",
            f"{STATES.get(str(line['state']), line['state'])} · {line['environment']}",
            "runs",
            reverse("run", args=[tenant, UUID(str(line["id"]))]),
        )
        for line in lines
    ]


def _runs_by_end(query: str) -> list[dict[str, object]]:
    if len(query) < SHORTEST_ID:
        return []
    recent = run_list(limit=RECENT).items
    return [line for line in recent if line["id"].endswith(query.lower())][:SHOWN]


def _instances(tenant: str, query: str) -> list[Offer]:
    return [
        _offer(
            "Instances",
            line["key"],
            f"{line['machine']} · {line['state']}",
            "instances",
            reverse("instance", args=[tenant, UUID(line["id"])]),
        )
        for line in instance_list(key=query, limit=SHOWN).items
    ]


def _offer(group: str, title: str, hint: str, icon: str, href: str) -> Offer:
    return {"group": group, "title": title, "hint": hint, "icon": icon, "href": href}
