"""The page of what is done by the clock."""

from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from apps.core.pages.places import environment_of
from apps.core.pages.views import PageView, page
from apps.runs.pages.asked import after
from apps.runs.policy import READ_SCHEDULES
from apps.runs.queries.schedules import schedule_list
from apps.tenants.queries import environment_list
from apps.workflows.queries.workflows import workflow_by_slug


class Schedules(PageView):
    """Schedules of an environment, newest first; of one workflow with `?workflow=`."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_SCHEDULES}

    def get(self, request: HttpRequest) -> HttpResponse:
        """List schedules."""
        environment = environment_of(request, environment_list())
        asked = request.GET.get("workflow", "").strip()
        found = schedule_list(
            environment=environment.name if environment else None,
            workflow_id=workflow_by_slug(slug=asked).id if asked else None,
            after=after(request),
        )
        context = {"schedules": found.items, "next": found.next, "after": request.GET.get("after"), "asked": asked}
        return page(request, "runs/schedules.html", context)
