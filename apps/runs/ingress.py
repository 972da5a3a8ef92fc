"""The door of tenants' traffic: a raw ASGI callable in front of Django, in the same process (performance.md 3).

It does itself what Django's middleware does elsewhere: request id, host check, size limits, security headers, access
log, counters, per-client limit. Everything that is not a tenant's address goes on to the application behind it.
"""

import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from psycopg_pool import PoolTimeout

from apps.core.changes import listener
from apps.engine.http import Request, Response
from apps.engine.ids import uuid7
from apps.engine.outcome import TryAgain
from apps.engine.routes import Match
from apps.engine.sections.answers import not_found, problem, wrong_method
from apps.runs.adapters.access_log import AccessLog
from apps.runs.adapters.client_limits import ClientLimits
from apps.runs.adapters.group import Unavailable
from apps.runs.adapters.place import Place
from apps.runs.adapters.traffic import Traffic
from apps.runs.operations.answering import Answering, ServedRoute, bug, unavailable
from apps.runs.operations.applications import Applications
from apps.runs.operations.services import services_make
from apps.runs.rules.addresses import PREFIX, Target, split_path, target_of_host, target_of_path
from apps.runs.rules.heads import Headers, Heads, pairs

log = structlog.get_logger(__name__)
MOST_IN_FLIGHT = 1_000
LONGEST_BACKLOG = 5_000
BODYLESS = frozenset({"GET", "HEAD", "OPTIONS"})
ID_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-")
NOT_FOR_TENANTS = frozenset({b"cookie"})  # under /w/ a tenant shares the portal's origin
DATABASE_TROUBLE = (psycopg.Error, PoolTimeout, Unavailable, TryAgain)
WHOLE_ANSWER = "weft.answer"  # a server's way to send an answer in one write (config/protocol.py)


class TooLong(Exception):
    """The body is over the route's limit."""


class Gone(Exception):
    """The client hung up before its request was complete."""


class LazyHeaders(Mapping[str, str]):
    """Header lines as a mapping, decoded when somebody looks."""

    __slots__ = ("_found", "_raw")

    def __init__(self, raw: Headers) -> None:
        self._raw = raw
        self._found: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in self._raw
                if name not in NOT_FOR_TENANTS
            }
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return one header; looks through the lines without decoding the others."""
        if self._found is not None:
            return self._found.get(name, default)
        wanted = name.encode("latin-1")
        for each, value in self._raw:
            if each == wanted and wanted not in NOT_FOR_TENANTS:
                return value.decode("latin-1")
        return default

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class Ingress:
    """ASGI callable: tenants' addresses are answered here, the rest by `app`."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._applications = Applications()
        self._services = services_make(self._applications)
        self._answering = Answering(self._services)
        self._traffic = Traffic()
        self._log = AccessLog()
        self._limits = ClientLimits(int(settings.CLIENT_RATE))
        self._proxies = int(settings.TRUSTED_PROXIES)
        self._base_host = str(settings.BASE_HOST).lower()
        self._heads = Heads(int(settings.SECURE_HSTS_SECONDS))

    async def start(self) -> None:
        """Open the pools, begin listening for changes and writing rows."""
        listener.start()
        await self._services.start()
        self._answering.start()
        self._log.start()
        self._traffic.register()

    async def stop(self) -> None:
        """Write everything that was accepted, then close."""
        self._traffic.unregister()
        await self._answering.close()
        await self._services.close()
        await self._log.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        headers: Headers = scope["headers"]
        host = _header(headers, b"host")
        if path.startswith(PREFIX):
            base, rest = split_path(path)
            target, shares_origin = target_of_path(base), True
        else:
            found = target_of_host(host.decode("latin-1"), path, self._base_host)
            if found is None:
                await self._app(scope, receive, send)
                return
            (target, rest), shares_origin = found, False
        began = time.perf_counter_ns()
        self._traffic.in_flight += 1
        try:
            request, response, served, place = await self._respond(scope, receive, target, rest, host)
        except Gone:
            return
        finally:
            self._traffic.in_flight -= 1
        version = 0 if place is None else place.version_number
        head = self._heads.of(response, request.id, version, shares_origin=shares_origin)
        await _send(scope, send, response.status, head, b"" if scope["method"] == "HEAD" else response.body)
        self._count(request, response, served, path, (time.perf_counter_ns() - began) // 1000)

    async def _respond(
        self, scope: Any, receive: Any, target: Target | None, rest: str, host: bytes
    ) -> tuple[Request, Response, ServedRoute | None, Place | None]:
        """Find what the address means and let it answer; every refusal before that is made here."""
        headers: Headers = scope["headers"]
        method: str = scope["method"]
        run_id = uuid7()
        request = Request(
            "GET" if method == "HEAD" else method,
            rest,
            headers=LazyHeaders(headers),
            query_string=scope["query_string"],
            client=self._client(scope, headers),
            id=_request_id(headers) or run_id.hex,
            url_base="" if target is None else target.base,
        )
        refused = self._refusal(request, host)
        if refused is not None:
            return request, refused, None, None
        place: Place | None = None
        served: ServedRoute | None = None
        try:
            if target is not None:
                place = self._applications.known(target.address) or await self._applications.at(target.address)
            if place is None:
                return request, self._no_such(request, "address"), None, None
            match = place.application.match(method, rest)
            if match.route is None:
                return request, self._unmatched(request, match), None, place
            served = self._served(place, match.route)
            request.params = match.params
            request.route = match.route.pattern
            if method not in BODYLESS or _header(headers, b"content-length") not in (b"", b"0"):
                request.body = await _body(receive, headers, served.max_body)
            key = _header(headers, b"idempotency-key").decode("latin-1")
            return request, await self._answering.answer(place, served, request, run_id, key), served, place
        except TooLong:
            most = served.max_body if served else 0
            return (
                request,
                problem(413, "body.too_large", f"The body may have at most {most} bytes.", request),
                served,
                place,
            )
        except DATABASE_TROUBLE as trouble:
            log.warning("ingress.database_trouble", problem=type(trouble).__name__, detail=str(trouble))
            return request, unavailable(request.id, "The database does not answer."), served, place
        except Gone:
            raise
        except Exception:
            log.exception("ingress.bug", request_id=request.id)
            return request, bug(request), served, place

    def _refusal(self, request: Request, host: bytes) -> Response | None:
        """Turn away wrong hosts, callers that come too often, and everybody when there is too much to do."""
        if not _is_allowed(host):
            self._traffic.refuse("host")
            return problem(400, "host.unknown", "This server does not answer to that host name.", request)
        if not self._limits.allows(request.client):
            self._traffic.refuse("rate")
            response = problem(429, "rate.client", "Too many requests from this address.", request)
            response.headers.append((b"retry-after", b"1"))
            return response
        if self._traffic.in_flight > MOST_IN_FLIGHT or self._services.writer.group.backlog > LONGEST_BACKLOG:
            self._traffic.refuse("overload")
            return unavailable(request.id, "Too much to do; nothing was accepted.")
        return None

    def _served(self, place: Place, route: Any) -> ServedRoute:
        served: ServedRoute | None = place.served.get(id(route))
        if served is None:
            served = place.served[id(route)] = ServedRoute(place, route, self._traffic)
        return served

    def _unmatched(self, request: Request, match: Match[Any]) -> Response:
        if match.allow:
            self._traffic.refuse("method")
            return wrong_method(request, match.allow)
        self._traffic.refuse("route")
        return not_found(request)

    def _no_such(self, request: Request, what: str) -> Response:
        self._traffic.refuse(what)
        return problem(404, f"{what}.unknown", "There is nothing at this address.", request)

    def _client(self, scope: Any, headers: Headers) -> str:
        if self._proxies:
            hops = _header(headers, b"x-forwarded-for").decode("latin-1").split(",")
            if len(hops) >= self._proxies:
                return hops[-self._proxies].strip()
        client = scope.get("client")
        return client[0] if client else ""

    def _count(
        self, request: Request, response: Response, served: ServedRoute | None, path: str, microseconds: int
    ) -> None:
        if served is not None:
            served.tally.add(response.status, microseconds)
        if self._log.is_on:
            size = len(response.body)
            self._log.add(request.method, path, response.status, size, microseconds, request.client, request.id)


async def _send(scope: Any, send: Any, status: int, head: bytes, body: bytes) -> None:
    whole = (scope.get("extensions") or {}).get(WHOLE_ANSWER)
    if whole is None or not whole(status, head, body):
        await send({"type": "http.response.start", "status": status, "headers": pairs(head)})
        await send({"type": "http.response.body", "body": body})


async def _body(receive: Any, headers: Headers, most: int) -> bytes:
    """Read the body; refuse it as soon as it is known to be too long."""
    announced = _header(headers, b"content-length")
    if announced and (not announced.isdigit() or int(announced) > most):
        raise TooLong
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > most:
            raise TooLong
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise TooLong
    return b"".join(parts)


def _header(headers: Headers, name: bytes) -> bytes:
    for each, value in headers:
        if each == name:
            return value
    return b""


def _request_id(headers: Headers) -> str:
    given = _header(headers, b"x-request-id")
    if given and len(given) <= 128 and ID_CHARACTERS.issuperset(given):
        return given.decode("ascii")
    return ""


@lru_cache(maxsize=4096)
def _is_allowed(host: bytes) -> bool:
    name, _ = split_domain_port(host.decode("latin-1"))
    return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)
