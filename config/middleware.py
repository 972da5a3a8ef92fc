"""Two headers that every answer of the control plane carries."""

import re
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

Answer = Callable[[HttpRequest], HttpResponse]


def request_id(given: str | None) -> str:
    """A caller's request id when it is harmless, else a fresh one."""
    return given if given and REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


class RequestIdMiddleware:
    """Gives each request an id, binds it to the log lines and returns it as ``X-Request-ID``."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identity = request_id(request.headers.get("X-Request-ID"))
        request.META["HTTP_X_REQUEST_ID"] = identity
        with structlog.contextvars.bound_contextvars(request_id=identity):
            response = self.get_response(request)
        response["X-Request-ID"] = identity
        return response


class ContentSecurityPolicyMiddleware:
    """Sends the content security policy unless a view has set its own."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        return response
