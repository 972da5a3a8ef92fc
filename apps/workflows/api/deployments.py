"""Calls on deployments: what is live where."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import idempotent
from apps.core.api.schema import CURSOR, IDEMPOTENCY_KEY, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.workflows.api.serializers import DeploymentIn, DeploymentOut
from apps.workflows.api.workflows import flag, located
from apps.workflows.operations.deployments import deployment_create, deployment_end
from apps.workflows.policy import DEPLOY, READ_DEPLOYMENTS
from apps.workflows.queries.deployments import deployment_get, deployment_list

TAGS = ("deployments",)
DEPLOYMENT_PAGE = page_of(DeploymentOut)
FILTERS = (
    CURSOR,
    LIMIT,
    OpenApiParameter("environment", str, description="Only this environment."),
    OpenApiParameter("live", bool, description="true leaves out what has ended."),
)


def _page(request: Request, workflow_id: UUID | None) -> Response:
    wanted = paging.wanted(request)
    page = deployment_list(
        workflow_id=workflow_id,
        environment=request.query_params.get("environment"),
        live_only=flag(request, "live"),
        after=wanted.after,
        limit=wanted.limit,
    )
    return paging.answer(page, lambda row: DeploymentOut(row).data)


class Deployments(ApiView):
    """All deployments of the tenant."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_DEPLOYMENTS}

    @call("deployment_list", answers=DEPLOYMENT_PAGE, parameters=FILTERS, tags=TAGS)
    def get(self, request: Request) -> Response:
        """List deployments, newest first."""
        return _page(request, None)


class WorkflowDeployments(ApiView):
    """The deployments of one workflow."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_DEPLOYMENTS, "POST": DEPLOY}

    @call("deployment_list_by_workflow", answers=DEPLOYMENT_PAGE, parameters=FILTERS, tags=TAGS)
    def get(self, request: Request, workflow_id: UUID) -> Response:
        """List the deployments of a workflow, newest first."""
        return _page(request, workflow_id)

    @call(
        "deployment_create",
        takes=DeploymentIn,
        answers=DeploymentOut,
        status=201,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 415, 422),
        tags=TAGS,
    )
    @idempotent
    def post(self, request: Request, workflow_id: UUID) -> Response:
        """Make a version live in an environment; an older one rolls back. Refused with all findings when blocked."""
        deployment = deployment_create(workflow_id=workflow_id, **self.body(DeploymentIn), actor=self.actor)
        answer = Response(DeploymentOut(deployment).data, status=201)
        return located(answer, request, f"deployments/{deployment.id}")


class Deployment(ApiView):
    """One deployment."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_DEPLOYMENTS}

    @call("deployment_get", answers=DeploymentOut, tags=TAGS)
    def get(self, request: Request, deployment_id: UUID) -> Response:
        """Return one deployment, live or ended."""
        return Response(DeploymentOut(deployment_get(deployment_id=deployment_id)).data)


class DeploymentEnd(ApiView):
    """Taking a workflow out of an environment."""

    permissions: ClassVar[dict[str, str]] = {"POST": DEPLOY}

    @call("deployment_end", answers=DeploymentOut, tags=TAGS)
    def post(self, request: Request, deployment_id: UUID) -> Response:
        """End a deployment without another in its place; what runs finishes."""
        return Response(DeploymentOut(deployment_end(deployment_id=deployment_id, actor=self.actor)).data)
