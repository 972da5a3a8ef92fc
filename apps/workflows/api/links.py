"""Calls on links between workflows."""

from typing import ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import idempotent
from apps.core.api.schema import CURSOR, IDEMPOTENCY_KEY, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.core.errors import BadRequest
from apps.workflows.api.link_shapes import LinkIn, LinkMadeOut, LinkOut, LinksImportIn, LinksImportOut
from apps.workflows.api.texts import PLAIN_TEXT_PARSERS
from apps.workflows.api.workflows import flag, located
from apps.workflows.operations.link_import import links_import
from apps.workflows.operations.links import link_create, link_delete
from apps.workflows.policy import EDIT, READ
from apps.workflows.queries.links import link_get, link_list

TAGS = ("links",)
DIRECTION = OpenApiParameter("direction", str, enum=["out", "in"], description="in lists what leads to the workflow.")
REPLACE = OpenApiParameter(
    "replace", bool, description="true also removes links among the document's workflows that it does not list."
)


class WorkflowLinks(ApiView):
    """The links of one workflow."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "POST": EDIT}

    @call("link_list", answers=page_of(LinkOut), parameters=(CURSOR, LIMIT, DIRECTION), tags=TAGS)
    def get(self, request: Request, workflow_id: UUID) -> Response:
        """List the links out of a workflow, or into it, newest first."""
        direction = request.query_params.get("direction", "out")
        if direction not in ("out", "in"):
            raise BadRequest("direction is out or in.", code="parameter.bad")
        wanted = paging.wanted(request)
        page = link_list(workflow_id=workflow_id, inward=direction == "in", after=wanted.after, limit=wanted.limit)
        return paging.answer(page, lambda row: LinkOut(row).data)

    @call(
        "link_create",
        takes=LinkIn,
        answers=LinkMadeOut,
        status=201,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 415, 422),
        tags=TAGS,
    )
    @idempotent
    def post(self, request: Request, workflow_id: UUID) -> Response:
        """Join the workflow to another: from then on, in every environment, its events that match go there."""
        said = {key: value for key, value in self.body(LinkIn).items() if value is not None}
        made = link_create(workflow_id=workflow_id, said=said, actor=self.actor)
        answer = Response(LinkMadeOut(made).data, status=201)
        return located(answer, request, f"workflows/{workflow_id}/links/{made.link.id}")


class WorkflowLink(ApiView):
    """One link out of a workflow."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": EDIT}

    @call("link_get", answers=LinkOut, tags=TAGS)
    def get(self, request: Request, workflow_id: UUID, link_id: UUID) -> Response:
        """Return one link."""
        return Response(LinkOut(link_get(workflow_id=workflow_id, link_id=link_id)).data)

    @call("link_delete", status=204, tags=TAGS)
    def delete(self, request: Request, workflow_id: UUID, link_id: UUID) -> Response:
        """Remove a link; messages that still wait for it become dead letters."""
        link_delete(workflow_id=workflow_id, link_id=link_id, actor=self.actor)
        return Response(status=204)


class LinksImport(ApiView):
    """Importing a links document."""

    permissions: ClassVar[dict[str, str]] = {"POST": EDIT}
    parser_classes = PLAIN_TEXT_PARSERS

    @call(
        "links_import",
        takes={"application/json": LinksImportIn, "application/yaml": str},
        answers=LinksImportOut,
        parameters=(IDEMPOTENCY_KEY, REPLACE),
        refuses=(409, 413, 415, 422),
        tags=TAGS,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make all links that a document lists, or none: send YAML or JSON with a list `links`; faults are located."""
        text = cast(dict[str, str], request.data).get("text", "")  # nothing was read of an empty body
        done = links_import(text=text, replace=flag(request, "replace"), actor=self.actor)
        return Response(LinksImportOut(done).data)
