"""Creating requests may carry an Idempotency-Key: sent twice, done once.

The key's row and the effects are written in one transaction. The same key gets 409 while the first request is running,
422 with another body, and afterwards the stored answer for 24 hours. Only answers of success are stored: a refused
request leaves nothing behind and may be mended and sent again.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import connection, transaction
from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.clock import now
from apps.core.errors import BadRequest, Conflict, Invalid
from apps.core.models import IdempotencyKey
from apps.core.scope import Actor, current_tenant
from apps.core.sealing import ANSWER_BODY, opened, seal

LIFE = timedelta(hours=24)
LONGEST_KEY = 255
KEPT_HEADERS = ("Location", "ETag")

Handler = TypeVar("Handler", bound=Callable[..., Any])


class StillRunning(Conflict):
    """The first request with this key has not ended."""

    code = "idempotency.running"
    title = "A request with this key is still running"


class OtherBody(Invalid):
    """The key was used for something else."""

    code = "idempotency.other-body"
    title = "This key was used for another request"


class NotKept(BadRequest):
    """The answer holds what is stored nowhere, so it could not be given twice."""

    code = "idempotency.not-here"
    title = "This call takes no Idempotency-Key"


def demand_no_key(request: Request, why: str) -> None:
    """Refuse an Idempotency-Key where it could not be honoured; passing it over would do the deed twice."""
    if "Idempotency-Key" in request.headers:
        raise NotKept(why)


def idempotent(handler: Handler) -> Handler:
    """Wrap a creating method of an `ApiView`."""

    @wraps(handler)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            response: HttpResponse = handler(view, request, *args, **kwargs)
            return response
        return _once(_wanted(request, key, kwargs), lambda: handler(view, request, *args, **kwargs))

    return once  # type: ignore[return-value]


def _wanted(request: Request, key: str, kwargs: dict[str, Any]) -> IdempotencyKey:
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise BadRequest(f"Idempotency-Key has 1 to {LONGEST_KEY} printable characters.", code="idempotency.bad-key")
    match = request.resolver_match
    route = match.view_name.rpartition(":")[2] or match.route if match else request.path
    actor = cast(Actor, request.auth)
    named = "".join(f"/{name}={value}" for name, value in sorted(kwargs.items()))
    return IdempotencyKey(
        scope=f"{request.method} {route}{named} {actor.kind}:{actor.id}",
        key=key,
        request_hash=hashlib.sha256(request._request.body).digest(),
    )


def _once(wanted: IdempotencyKey, perform: Callable[[], HttpResponse]) -> HttpResponse:
    _lock(wanted)
    found = IdempotencyKey.objects.filter(scope=wanted.scope, key=wanted.key).first()
    if found is not None and found.expires_at > now():
        if bytes(found.request_hash) != wanted.request_hash:
            raise OtherBody("Send another key for another request.")
        return _again(found)
    if found is not None:
        found.delete()
    with transaction.atomic():
        response = perform()
        if response.status_code < 300:
            _store(wanted, response)
    return response


def _lock(wanted: IdempotencyKey) -> None:
    name = f"{current_tenant()} {wanted.scope} {wanted.key}"
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise StillRunning(headers={"Retry-After": "1"})


def _store(wanted: IdempotencyKey, response: HttpResponse) -> None:
    body = JSONRenderer().render(response.data) if isinstance(response, Response) else response.content
    wanted.status = response.status_code
    wanted.headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    wanted.body = seal(body, current_tenant(), ANSWER_BODY)
    wanted.expires_at = now() + LIFE
    wanted.save(force_insert=True)


def _again(found: IdempotencyKey) -> HttpResponse:
    headers = found.headers | {"Idempotency-Replayed": "true"}
    body = opened(found.body or b"", current_tenant(), ANSWER_BODY)
    return HttpResponse(body, "application/json", status=found.status or 200, headers=headers)
