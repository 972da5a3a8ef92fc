"""Calls on state-machine instances."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.schema import CURSOR, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.core.errors import BadRequest
from apps.runs.api.serializers import InstanceDetailOut, InstanceOut, TransitionIn
from apps.runs.operations.instances import instance_transition
from apps.runs.policy import EDIT_INSTANCES, READ_INSTANCES
from apps.runs.queries.instances import instance_get, instance_list

TAGS = ("instances",)
FILTERS = (
    OpenApiParameter("workflow_id", UUID, description="Instances of one workflow."),
    OpenApiParameter("environment", str, description="Instances in one environment, by name."),
    OpenApiParameter("machine", str, description="Name of the definition."),
    OpenApiParameter("state", str, description="Present state."),
    OpenApiParameter("key", str, description="The caller's id of the instance."),
)


class Instances(ApiView):
    """All instances of the tenant."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_INSTANCES}

    @call("instance_list", answers=page_of(InstanceOut), parameters=(CURSOR, LIMIT, *FILTERS), tags=TAGS)
    def get(self, request: Request) -> Response:
        """List instances, newest first, without their data."""
        wanted = paging.wanted(request)
        given = {name: request.query_params.get(name) or None for name in ("environment", "machine", "state", "key")}
        workflow = request.query_params.get("workflow_id")
        try:
            workflow_id = UUID(workflow) if workflow else None
        except ValueError:
            raise BadRequest("workflow_id is a UUID.", code="parameter.bad") from None
        page = instance_list(workflow_id=workflow_id, **given, after=wanted.after, limit=wanted.limit)
        return paging.answer(page, lambda row: row)


class Instance(ApiView):
    """One instance."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_INSTANCES}

    @call("instance_get", answers=InstanceDetailOut, tags=TAGS)
    def get(self, request: Request, instance_id: UUID) -> Response:
        """Return an instance with its data and history."""
        return Response(instance_get(instance_id=instance_id))


class InstanceTransitions(ApiView):
    """Moving an instance."""

    permissions: ClassVar[dict[str, str]] = {"POST": EDIT_INSTANCES}

    @call("instance_transition", takes=TransitionIn, answers=InstanceDetailOut, refuses=(409, 413, 415, 422), tags=TAGS)
    def post(self, request: Request, instance_id: UUID) -> Response:
        """Make one transition: 400 names the expected and the actual state, 409 tells of a lost race."""
        given = self.body(TransitionIn)
        return Response(instance_transition(instance_id=instance_id, **given, actor=self.actor))
