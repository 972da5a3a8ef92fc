"""Pieces of the OpenAPI description that every app's views use."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


class ProblemOut(serializers.Serializer[Any]):
    """A problem document, RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="A stable machine word.")
    detail = serializers.CharField(required=False)
    requestId = serializers.CharField()
    errors = serializers.ListField(  # type: ignore[assignment]
        child=inline_serializer(
            "ProblemError", {"pointer": serializers.CharField(), "message": serializers.CharField()}
        ),
        required=False,
    )
    findings = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="For documents: everything the checker says."
    )


PROBLEMS = {
    400: "The request cannot be understood.",
    401: "Nobody is signed in and no valid key was sent.",
    403: "The caller may not do this.",
    404: "There is no such thing in this tenant.",
    409: "The current state does not allow this.",
    412: "Somebody else has changed it since it was read.",
    413: "The body is too large.",
    415: "The body is of a type that is not taken here.",
    422: "The content is not valid.",
    428: "If-Match is missing.",
    429: "Too many requests.",
}
ALWAYS = (400, 401, 403, 404, 429)
TAKING = (413, 415, 422)  # of every call with a body
CURSOR = OpenApiParameter("cursor", str, description="`next` of the page before.")
LIMIT = OpenApiParameter("limit", int, description="Rows in a page, at most 200.")
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag that was read."
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="Sent twice, done once, for 24 hours."
)


def page_of(shape: type[serializers.Serializer[Any]]) -> Any:
    """Return the shape of one page of `shape`."""
    name = shape.__name__.removesuffix("Out") + "PageOut"
    return inline_serializer(name, {"items": shape(many=True), "next": serializers.CharField(allow_null=True)})


def call(
    name: str,
    *,
    takes: Any = None,
    answers: Any = None,
    status: int = 200,
    parameters: tuple[OpenApiParameter, ...] = (),
    refuses: tuple[int, ...] = (),
    tags: tuple[str, ...] = (),
    content_type: str = "application/json",
) -> Callable[[Wrapped], Wrapped]:
    """Describe one method: `name` is the operation's, `refuses` the statuses beyond those of every call."""
    success: Any = status if content_type == "application/json" else (status, content_type)
    responses: dict[Any, Any] = {success: answers or OpenApiResponse(description="Done.")}
    for code in sorted({*ALWAYS, *refuses, *(() if takes is None else TAKING)}):
        responses[code, "application/problem+json"] = OpenApiResponse(ProblemOut, PROBLEMS[code])
    return extend_schema(
        operation_id=name,
        request=takes if takes is not None else OpenApiTypes.NONE,
        responses=responses,
        parameters=list(parameters),
        tags=list(tags) or None,
    )
