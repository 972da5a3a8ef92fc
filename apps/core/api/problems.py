"""Every refusal of the API is a problem document (RFC 9457) with the id of the request."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions

from apps.core.api.bodies import too_large
from apps.core.api.pointers import pointers
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
ALWAYS = ("type", "title", "status", "code", "requestId")
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
    RequestDataTooBig: lambda error: too_large(),  # before its base class, SuspiciousOperation
    SuspiciousOperation: lambda error: BadRequest(str(error)),
    DataError: lambda error: BadRequest("Text cannot hold the character NUL.", code="text.nul"),
    OperationalError: lambda error: Unavailable("The database did not answer in time.", headers={"Retry-After": "1"}),
}


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Turn what a view raised into a problem; anything unforeseen is logged and answered 500 without its details."""
    refusal = as_refusal(error)
    if refusal is None:
        log.error("api.failed", exc_info=error)
        refusal = WeftError("The fault is ours. The request id leads to it in our log.")
    return problem_response(context["request"], refusal)


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


def problem_response(request: Any, refusal: WeftError) -> HttpResponse:
    """Answer a refusal to Django's request or to the API's."""
    body = refusal.problem() | {"requestId": request.META.get("HTTP_X_REQUEST_ID", "")}
    return HttpResponse(written(body), status=refusal.status, content_type=CONTENT_TYPE, headers=refusal.headers)


def written(problem: dict[str, Any]) -> bytes:
    """Return the JSON of a problem, whatever it quotes: saying what is wrong must not fail on what is wrong."""
    try:
        text = json.dumps(problem, ensure_ascii=False, allow_nan=False, skipkeys=True, default=str)
    except (ValueError, RecursionError):
        text = json.dumps({name: problem[name] for name in ALWAYS if name in problem})
    return text.encode(errors="replace")


def problem_instead(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Replace a page of Django's (unknown address, crash) by a problem of the same status."""
    if response.status_code < 400 or response.get("Content-Type", "").startswith("application/"):
        return response
    known = BY_STATUS.get(response.status_code, WeftError)
    answer = problem_response(request, known())
    answer.status_code = response.status_code
    return answer


def _from_framework(error: exceptions.APIException) -> WeftError:
    known = BY_STATUS.get(error.status_code)
    if known is None:
        return BadRequest(str(error.detail))
    refusal = known(str(error.detail))
    if isinstance(error, exceptions.ParseError):
        refusal.problem_code = "body.not-json"
    return refusal
