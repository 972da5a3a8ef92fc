"""Calls on texts: the draft of a workflow, and checking any text."""

import hashlib
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.preconditions import revision_demanded, with_etag
from apps.core.api.schema import IF_MATCH, call
from apps.core.api.views import ApiView
from apps.engine.findings import counts
from apps.tenants.queries import environment_get, secret_references
from apps.workflows.api.serializers import CheckOut, DraftOut, TextIn
from apps.workflows.api.texts import DOCUMENT_PARSERS
from apps.workflows.operations.drafts import draft_save
from apps.workflows.operations.texts import encoded
from apps.workflows.policy import EDIT, READ
from apps.workflows.queries.documents import document_check
from apps.workflows.queries.workflows import draft_get

ENVIRONMENT = OpenApiParameter("environment", str, description="Also check that its secrets exist.")
TAGS = ("documents",)
BODIES = {"application/json": TextIn, "application/yaml": str}


class Draft(ApiView):
    """The text being edited."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "PUT": EDIT}
    parser_classes = DOCUMENT_PARSERS

    @call("draft_get", answers=DraftOut, tags=TAGS)
    def get(self, request: Request, workflow_id: UUID) -> Response:
        """Return the draft; its ETag is what a save must name."""
        draft = draft_get(workflow_id=workflow_id)
        return with_etag(Response(DraftOut(draft).data), draft.revision)

    @call(
        "draft_save",
        takes=BODIES,
        answers=DraftOut,
        parameters=(IF_MATCH,),
        refuses=(409, 412, 413, 415, 422, 428),
        tags=TAGS,
    )
    def put(self, request: Request, workflow_id: UUID) -> Response:
        """Replace the draft by any text, right or wrong; send YAML as it is or JSON."""
        revision = revision_demanded(request)
        text = self.body(TextIn)["text"]
        draft = draft_save(workflow_id=workflow_id, text=text, if_revision=revision, actor=self.actor)
        return with_etag(Response(DraftOut(draft).data), draft.revision)


class Check(ApiView):
    """Checking a text that need not belong to anything."""

    permissions: ClassVar[dict[str, str]] = {"POST": READ}
    parser_classes = DOCUMENT_PARSERS

    @call(
        "document_check",
        takes=BODIES,
        answers=CheckOut,
        parameters=(ENVIRONMENT,),
        refuses=(413, 415, 422),
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Say everything about a document at once: findings with their places, and the graph to draw."""
        text = encoded(self.body(TextIn)["text"])
        checked = document_check(text=text, secrets=_secrets(request.query_params.get("environment")))
        found = {
            "sha256": hashlib.sha256(text).hexdigest(),
            "findings": [finding.as_dict() for finding in checked.findings],
            "counts": counts(checked.findings),
            "graph": checked.graph(),
        }
        return Response(found)


def _secrets(environment: str | None) -> frozenset[str] | None:
    if environment is None:
        return None
    return secret_references(environment_id=environment_get(name=environment).id)
