"""Calls on workflows themselves."""

from typing import ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import idempotent
from apps.core.api.preconditions import revision_demanded, with_etag
from apps.core.api.schema import CURSOR, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.core.errors import BadRequest
from apps.workflows.api.serializers import (
    WorkflowIn,
    WorkflowOut,
    WorkflowPatchIn,
    WorkflowsImportIn,
    WorkflowsImportOut,
)
from apps.workflows.api.texts import PLAIN_TEXT_PARSERS
from apps.workflows.operations.workflow_import import workflows_import
from apps.workflows.operations.workflows import (
    workflow_archive,
    workflow_create,
    workflow_rename,
    workflow_restore,
)
from apps.workflows.policy import EDIT, READ
from apps.workflows.queries.workflows import WorkflowView, workflow_get, workflow_list

ARCHIVED = OpenApiParameter("archived", bool, description="true lists archived workflows instead.")
TAGS = ("workflows",)
WORKFLOW_PAGE = page_of(WorkflowOut)
TRUTH = {"": False, "false": False, "true": True}


def flag(request: Request, name: str) -> bool:
    """Return a query parameter that is true or false; raise `BadRequest`."""
    given = request.query_params.get(name, "")
    if given not in TRUTH:
        raise BadRequest(f"{name} is true or false.", code="parameter.bad")
    return TRUTH[given]


def located(answer: Response, request: Request, place: str) -> Response:
    """Say where the created thing is, under the mount that the request came by."""
    mount, prefix, _ = request.path.partition("/api/v1/")
    answer["Location"] = f"{mount}{prefix}{place}"
    return answer


def _shown(workflow: WorkflowView) -> Response:
    return with_etag(Response(WorkflowOut(workflow).data), workflow.revision)


class Workflows(ApiView):
    """All workflows of the tenant."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    @call("workflow_list", answers=WORKFLOW_PAGE, parameters=(CURSOR, LIMIT, ARCHIVED), tags=TAGS)
    def get(self, request: Request) -> Response:
        """List the tenant's workflows, newest first."""
        wanted = paging.wanted(request)
        page = workflow_list(archived=flag(request, "archived"), after=wanted.after, limit=wanted.limit)
        return paging.answer(page, lambda row: WorkflowOut(row).data)


class ProjectWorkflows(ApiView):
    """The workflows of one project."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "POST": EDIT}

    @call("workflow_list_by_project", answers=WORKFLOW_PAGE, parameters=(CURSOR, LIMIT, ARCHIVED), tags=TAGS)
    def get(self, request: Request, project_id: UUID) -> Response:
        """List a project's workflows, newest first."""
        wanted = paging.wanted(request)
        page = workflow_list(
            project_id=project_id, archived=flag(request, "archived"), after=wanted.after, limit=wanted.limit
        )
        return paging.answer(page, lambda row: WorkflowOut(row).data)

    @call(
        "workflow_create",
        takes=WorkflowIn,
        answers=WorkflowOut,
        status=201,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 413, 415, 422),
        tags=TAGS,
    )
    @idempotent
    def post(self, request: Request, project_id: UUID) -> Response:
        """Add a workflow to a project, with its first draft."""
        workflow = workflow_create(project_id=project_id, **self.body(WorkflowIn), actor=self.actor)
        answer = Response(WorkflowOut(workflow).data, status=201)
        return with_etag(located(answer, request, f"workflows/{workflow.id}"), workflow.revision)


class WorkflowsImport(ApiView):
    """Importing a text with several workflows."""

    permissions: ClassVar[dict[str, str]] = {"POST": EDIT}
    parser_classes = PLAIN_TEXT_PARSERS

    @call(
        "workflows_import",
        takes={"application/json": WorkflowsImportIn, "application/yaml": str},
        answers=WorkflowsImportOut,
        status=201,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 413, 415, 422),
        tags=TAGS,
    )
    @idempotent
    def post(self, request: Request, project_id: UUID) -> Response:
        """Add every workflow of a text, or none: a list `workflows` without `modules` beside it is several."""
        text = cast(dict[str, str], request.data).get("text", "")  # nothing was read of an empty body
        made = workflows_import(project_id=project_id, text=text, actor=self.actor)
        return Response(WorkflowsImportOut({"created": made}).data, status=201)


class Workflow(ApiView):
    """One workflow."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": EDIT}

    @call("workflow_get", answers=WorkflowOut, tags=TAGS)
    def get(self, request: Request, workflow_id: UUID) -> Response:
        """Return a workflow without its texts; its ETag is the revision."""
        return _shown(workflow_get(workflow_id=workflow_id))

    @call(
        "workflow_rename",
        takes=WorkflowPatchIn,
        answers=WorkflowOut,
        parameters=(IF_MATCH,),
        refuses=(409, 412, 415, 422, 428),
        tags=TAGS,
    )
    def patch(self, request: Request, workflow_id: UUID) -> Response:
        """Change name or description; the slug stays."""
        revision = revision_demanded(request)
        changes = self.body(WorkflowPatchIn)
        return _shown(workflow_rename(workflow_id=workflow_id, **changes, if_revision=revision, actor=self.actor))


class WorkflowArchive(ApiView):
    """Putting a workflow away."""

    permissions: ClassVar[dict[str, str]] = {"POST": EDIT}

    @call("workflow_archive", answers=WorkflowOut, refuses=(409,), tags=TAGS)
    def post(self, request: Request, workflow_id: UUID) -> Response:
        """Archive a workflow that is live nowhere."""
        return _shown(workflow_archive(workflow_id=workflow_id, actor=self.actor))


class WorkflowRestore(ApiView):
    """Taking a workflow back."""

    permissions: ClassVar[dict[str, str]] = {"POST": EDIT}

    @call("workflow_restore", answers=WorkflowOut, tags=TAGS)
    def post(self, request: Request, workflow_id: UUID) -> Response:
        """Restore an archived workflow."""
        return _shown(workflow_restore(workflow_id=workflow_id, actor=self.actor))
