"""Calls on what is done by the clock."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.schema import CURSOR, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.runs.api.serializers import ScheduleOut
from apps.runs.policy import READ_SCHEDULES
from apps.runs.queries.schedules import schedule_list
from apps.workflows.queries.workflows import workflow_get

TAGS = ("schedules",)
PARAMETERS = (
    CURSOR,
    LIMIT,
    OpenApiParameter("environment", str, description="Schedules in one environment, by name."),
)
PAGE = page_of(ScheduleOut)


class Schedules(ApiView):
    """All schedules of the tenant."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_SCHEDULES}

    @call("schedule_list", answers=PAGE, parameters=PARAMETERS, tags=TAGS)
    def get(self, request: Request) -> Response:
        """List what live versions do by the clock, newest first, with the next time and the last."""
        return _page(request, None)


class WorkflowSchedules(ApiView):
    """The schedules of one workflow."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_SCHEDULES}

    @call("workflow_schedule_list", answers=PAGE, parameters=PARAMETERS, tags=TAGS)
    def get(self, request: Request, workflow_id: UUID) -> Response:
        """List what the live versions of a workflow do by the clock, newest first."""
        return _page(request, workflow_get(workflow_id=workflow_id).id)


def _page(request: Request, workflow_id: UUID | None) -> Response:
    wanted = paging.wanted(request)
    environment = request.query_params.get("environment") or None
    page = schedule_list(workflow_id=workflow_id, environment=environment, after=wanted.after, limit=wanted.limit)
    return paging.answer(page, lambda row: row)
