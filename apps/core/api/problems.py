"""Every refusal of the API is a problem document (RFC 9457) with the id of the request."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core.errors import (
    BadRequest,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WeftError,
)

CONTENT_TYPE = "application/problem+json"
log = structlog.get_logger(__name__)


class MethodNotAllowed(WeftError):
    """The address is known, the method is not."""

    status = 405
    code = "method.not-allowed"
    title = "This address does not take this method"


class UnsupportedMediaType(WeftError):
    """The body has a type that is not taken here."""

    status = 415
    code = "content-type.unsupported"
    title = "Send application/json"


BY_STATUS: dict[int, type[WeftError]] = {
    error.status: error
    for error in (BadRequest, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType)
}


FOREIGN: dict[type[Exception], Callable[[Exception], WeftError]] = {
    Http404: lambda error: NotFound(),
    PermissionDenied: lambda error: Forbidden(),
    SuspiciousOperation: lambda error: BadRequest(str(error)),
    DataError: lambda error: BadRequest("Text cannot hold the character NUL.", code="text.nul"),
    OperationalError: lambda error: Unavailable("The database did not answer in time.", headers={"Retry-After": "1"}),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn what a view raised into a problem; anything unforeseen is logged and answered 500 without its details."""
    refusal = as_refusal(error)
    if refusal is None:
        log.error("api.failed", exc_info=error)
        refusal = WeftError("The fault is ours. The request id leads to it in our log.")
    request = context["request"]
    response = Response(_body(refusal, request), status=refusal.status, content_type=CONTENT_TYPE)
    for name, value in refusal.headers.items():
        response[name] = value
    return response


def as_refusal(error: Exception) -> WeftError | None:
    """Return the refusal that `error` means, None when it is a fault of ours."""
    if isinstance(error, WeftError):
        return error
    if isinstance(error, exceptions.ValidationError):
        return Invalid("Some of the content is not right.", errors=pointers(error.detail))
    if isinstance(error, exceptions.APIException):
        return _from_framework(error)
    if isinstance(error, DataError) and "NUL" not in str(error):
        return None
    return next((refusal(error) for kind, refusal in FOREIGN.items() if isinstance(error, kind)), None)


def pointers(detail: Any, at: str = "") -> list[dict[str, str]]:
    """Flatten a serializer's errors into [{pointer, message}] with JSON pointers."""
    if isinstance(detail, dict):
        steps = [
            ("" if key == "non_field_errors" else f"/{_escaped(str(key))}", value) for key, value in detail.items()
        ]
    elif isinstance(detail, list) and any(isinstance(value, dict | list) for value in detail):
        steps = [(f"/{index}", value) for index, value in enumerate(detail)]
    elif isinstance(detail, list):
        return [{"pointer": at, "message": str(value)} for value in detail]
    else:
        return [{"pointer": at, "message": str(detail)}]
    return [found for step, value in steps for found in pointers(value, at + step)]


def problem_response(request: HttpRequest, refusal: WeftError) -> HttpResponse:
    """Answer a refusal outside of a view of the API."""
    content = json.dumps(_body(refusal, request))
    return HttpResponse(content, status=refusal.status, content_type=CONTENT_TYPE, headers=refusal.headers)


def problem_instead(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Replace a page of Django's (unknown address, crash) by a problem of the same status."""
    if response.status_code < 400 or response.get("Content-Type", "").startswith("application/"):
        return response
    known = BY_STATUS.get(response.status_code, WeftError)
    answer = problem_response(request, known())
    answer.status_code = response.status_code
    return answer


def _body(refusal: WeftError, request: Any) -> dict[str, Any]:
    return refusal.problem() | {"request_id": request.META.get("HTTP_X_REQUEST_ID", "")}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _from_framework(error: exceptions.APIException) -> WeftError:
    known = BY_STATUS.get(error.status_code)
    if known is None:
        return BadRequest(str(error.detail))
    refusal = known(str(error.detail))
    if isinstance(error, exceptions.ParseError):
        refusal.problem_code = "body.not-json"
    return refusal
