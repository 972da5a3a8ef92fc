"""Between HTTP and the engine: what a program gets from a request, and what a failure looks like to the caller."""

import math
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson

from apps.engine.http import JSON_TYPE, Request, Response
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import AlreadyExists, LostRace
from apps.engine.trigger import UnknownWorkflow

REFUSALS = (StepFailed, TryAgain, LostRace, AlreadyExists)
FORM = "application/x-www-form-urlencoded"


def body_of(request: Request) -> Any:
    """Return the decoded body: JSON or a form; None when there is none. Raises `Rejected` 400 or 415."""
    if not request.body:
        return None
    said = request.headers.get("content-type", "application/json")
    if said == "application/json":
        return request.json()
    kind = said.partition(";")[0].strip().lower()
    if kind == FORM:
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        return dict(reversed(pairs))
    if kind in ("application/json", "text/json", "") or kind.endswith("+json"):
        return request.json()
    raise Rejected(f"The body is {kind}; send JSON or a form.", code="body.unsupported_type", status=415)


def input_of(request: Request) -> Any:
    """Return what a pipeline begins with: the body, or without one query and path parameters."""
    body = body_of(request)
    return {**request.query, **request.params} if body is None else body


def request_names(request: Request) -> dict[str, Any]:
    """Return what expressions see as `request`."""
    return {
        "method": request.method,
        "path": request.path,
        "params": request.params,
        "query": request.query,
        "headers": dict(request.headers),
        "claims": request.claims,
    }


def respond(answer: dict[str, Any]) -> Response:
    """Make the response a `respond` step asked for."""
    headers = answer["headers"]
    body = answer["body"]
    response = Response(_status(answer["status"]))
    if headers:
        pairs = [(str(name).lower().encode(), str(value).encode("utf-8")) for name, value in headers.items()]
        if any(b"\r" in part or b"\n" in part for pair in pairs for part in pair):
            raise StepFailed("A header may not hold a line break.", code="respond.header")
        kinds = [value for name, value in pairs if name == b"content-type"]
        response.content_type = kinds[-1] if kinds else JSON_TYPE
        response.headers = [pair for pair in pairs if pair[0] != b"content-type"]
    if isinstance(body, str) and response.content_type != JSON_TYPE:
        response.body = body.encode()
    else:
        response.body = encode(body)
    return response


def _status(value: Any) -> int:
    status = int(value) if isinstance(value, int | float | str) and str(value).isdecimal() else 0
    if not 200 <= status <= 599:
        raise StepFailed(f"{value!r} is not a status to answer with.", code="respond.status")
    return status


def encode(value: Any) -> bytes:
    """Return `value` as JSON."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str)


def refusal(failure: BaseException, request: Request) -> Response:
    """Answer what went wrong as `application/problem+json`, located where the fault is in the input."""
    if isinstance(failure, StepFailed):
        answer = problem(failure.status, failure.code, failure.message, request, **_told(failure))
        answer.starts_nothing = isinstance(failure, UnknownWorkflow)
        return answer
    if isinstance(failure, TryAgain):
        response = problem(503, failure.code, failure.message, request)
        response.headers.append((b"retry-after", str(math.ceil(failure.after or 1)).encode()))
        return response
    if isinstance(failure, LostRace):
        return problem(409, "conflict.lost_race", "Somebody else changed this first; look again.", request)
    return problem(409, "conflict.exists", str(failure) or "This exists already.", request)


def _told(failure: StepFailed) -> dict[str, Any]:
    """Return what a problem document says beside the message: the step, and where in the input or what the fault is."""
    extra: dict[str, Any] = {"step": failure.step} if failure.step else {}
    located = failure.data if isinstance(failure.data, dict) and failure.data.keys() == {"errors"} else None
    if isinstance(failure, Rejected) or located is not None:
        errors = failure.errors if isinstance(failure, Rejected) else (located or {})["errors"]
        return {**extra, "errors": errors} if errors else extra
    return extra if failure.data is None else {**extra, "data": failure.data}


def problem(status: int, code: str, detail: str, request: Request, **extra: Any) -> Response:
    """Make a problem answer with the request's id."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    return Response.problem(status, code, title, detail=detail, requestId=request.id, **extra)


def not_found(request: Request) -> Response:
    """Answer a path that no route has."""
    return problem(404, "route.unknown", f"There is nothing at {request.path}.", request)


def wrong_method(request: Request, allow: tuple[str, ...]) -> Response:
    """Answer a path that has other methods."""
    response = problem(405, "route.method", f"{request.path} answers {', '.join(allow)}.", request)
    response.headers.append((b"allow", ", ".join(allow).encode()))
    return response
