"""Calls on published versions."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.idempotency import idempotent
from apps.core.api.schema import CURSOR, IDEMPOTENCY_KEY, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.workflows.api.serializers import PublishIn, VersionOut
from apps.workflows.api.workflows import located
from apps.workflows.operations.versions import version_publish
from apps.workflows.policy import PUBLISH, READ
from apps.workflows.queries.versions import version_get, version_list, version_text

TAGS = ("versions",)
TEXT = OpenApiResponse(str, description="As it was published, byte for byte.")


class Versions(ApiView):
    """The versions of one workflow."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ, "POST": PUBLISH}

    @call("version_list", answers=page_of(VersionOut), parameters=(CURSOR, LIMIT), tags=TAGS)
    def get(self, request: Request, workflow_id: UUID) -> Response:
        """List the versions of a workflow, newest first."""
        wanted = paging.wanted(request)
        page = version_list(workflow_id=workflow_id, after=wanted.after, limit=wanted.limit)
        return paging.answer(page, lambda row: VersionOut(row).data)

    @call(
        "version_publish",
        takes=PublishIn,
        answers=VersionOut,
        status=201,
        parameters=(IDEMPOTENCY_KEY,),
        refuses=(409, 412, 415, 422),
        tags=TAGS,
    )
    @idempotent
    def post(self, request: Request, workflow_id: UUID) -> Response:
        """Publish the draft as the next version; refused with all findings when it has errors."""
        given = self.body(PublishIn)
        version = version_publish(
            workflow_id=workflow_id, note=given["note"], if_draft_revision=given["draft_revision"], actor=self.actor
        )
        answer = Response(VersionOut(version).data, status=201)
        return located(answer, request, f"workflows/{workflow_id}/versions/{version.number}")


class Version(ApiView):
    """One version."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    @call("version_get", answers=VersionOut, tags=TAGS)
    def get(self, request: Request, workflow_id: UUID, number: int) -> Response:
        """Return a version without its text."""
        return Response(VersionOut(version_get(workflow_id=workflow_id, number=number)).data)


class VersionDocument(ApiView):
    """The text of one version."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ}

    @call("version_text", answers=TEXT, content_type="application/yaml", tags=TAGS)
    def get(self, request: Request, workflow_id: UUID, number: int) -> HttpResponse:
        """Return the document of a version as it was published."""
        text = version_text(workflow_id=workflow_id, number=number)
        return HttpResponse(text.encode(), content_type="application/yaml; charset=utf-8")
