"""The door of tenants' traffic: a raw ASGI callable in front of Django, in the same process (performance.md 3).

It does itself what Django's middleware does elsewhere: request id, host check, size limits, security headers, access
log, counters, per-client limit. Everything that is not a tenant's address goes on to the application behind it.
"""

import time
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http.request import split_domain_port, validate_host

from apps.core.changes import listener
from apps.engine.findings import SecretsRefused
from apps.engine.http import Request, Response
from apps.engine.ids import uuid7
from apps.engine.outcome import TryAgain
from apps.engine.routes import Match
from apps.engine.sections.answers import not_found, problem, refusal, wrong_method
from apps.engine.streams import COMPLETE, REFUSED, Passage, StreamedResponse, pass_on
from apps.runs.adapters.access_log import AccessLog
from apps.runs.adapters.arrivals import MOST_OF_CLIENT, SECONDS, Arrivals, Gone, TooLong, TooMany, TooSlow, whole_body
from apps.runs.adapters.client_limits import ClientLimits
from apps.runs.adapters.group import Unavailable
from apps.runs.adapters.headers import Given, LazyHeaders, OwnHeaders, forwarded_for, given_headers, request_id
from apps.runs.adapters.payloads import PayloadTooLarge
from apps.runs.adapters.place import Place
from apps.runs.adapters.traffic import Load, Traffic
from apps.runs.adapters.vitals import Vitals
from apps.runs.operations.answering import Answering, bug, unavailable
from apps.runs.operations.applications import Applications, places_of
from apps.runs.operations.served import ServedRoute
from apps.runs.operations.services import services_make
from apps.runs.operations.sweeps import SWEEP_SECONDS
from apps.runs.rules.addresses import PREFIX, Target, split_path, target_of_host, target_of_path
from apps.runs.rules.heads import Heads, pairs

log = structlog.get_logger(__name__)
MOST_IN_FLIGHT = 1_000  # complete requests being answered by one process
MOST_OF_TENANT = 500  # of these
MOST_STREAMS = 400  # answers being passed on as they come by one process
MOST_STREAMS_OF_TENANT = 100  # of these
LONGEST_BACKLOG = 5_000
BODYLESS = frozenset({"GET", "HEAD", "OPTIONS"})
DATABASE_TROUBLE = (psycopg.Error, OperationalError, InterfaceError, Unavailable, TryAgain)
WHOLE_ANSWER = "weft.answer"  # a server's way to send an answer in one write (config/protocol.py)
ABORT = "weft.abort"  # a server's way to break an answer off


class Exchange:
    """One request on its way through the door: its connection as ASGI hands it over, and what was found for it."""

    __slots__ = (
        "began", "given", "load", "method", "path", "place", "receive", "request", "run_id", "scope", "send", "served",
        "shares_origin", "target",
    )  # fmt: skip

    def __init__(self, scope: Any, receive: Any, send: Any, given: Given, target: Target | None) -> None:
        self.began = time.perf_counter_ns()
        self.scope = scope
        self.receive = receive
        self.send = send
        self.given = given
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.target = target
        self.shares_origin = True  # with the portal: its address is under `/w/`
        self.run_id = uuid7()
        self.request: Request
        self.place: Place | None = None
        self.served: ServedRoute | None = None
        self.load: Load | None = None  # where it counts as in hand


class Ingress:
    """ASGI callable: tenants' addresses are answered here, the rest by `app`."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._applications = Applications()
        self._services = services_make(self._applications)
        self._answering = Answering(self._services)
        self._traffic = Traffic()
        self._arrivals = Arrivals()
        self._vitals = Vitals(settings.DATABASE_RELAY_URL, SWEEP_SECONDS)
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
        self._arrivals.start()
        self._log.start()
        self._traffic.register()
        self._vitals.register()

    async def stop(self) -> None:
        """Write everything that was accepted, then close."""
        self._vitals.unregister()
        self._traffic.unregister()
        await self._answering.close()
        await self._services.close()
        await self._arrivals.close()
        await self._log.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        rest = self.begin(scope, receive, send)
        if rest is not None:
            await rest

    def begin(self, scope: Any, receive: Any, send: Any) -> Awaitable[None] | None:
        """Answer what needs no waiting at once; return what is left to be awaited, or None (config/protocol.py)."""
        if scope["type"] != "http":
            return self._behind(scope, receive, send)
        path: str = scope["path"]
        given = given_headers(scope["headers"])
        host = given.get(b"host", b"")
        if path.startswith(PREFIX):
            base, rest = split_path(path)
            exchange = Exchange(scope, receive, send, given, target_of_path(base))
        else:
            found = target_of_host(host.decode("latin-1"), path, self._base_host)
            if found is None:
                return self._behind(scope, receive, send)
            rest = found[1]
            exchange = Exchange(scope, receive, send, given, found[0])
            exchange.shares_origin = False
        request = exchange.request = self._request(exchange, rest)
        answer = self._refusal(request, host) or self._answer(exchange)
        return self._finish(exchange, answer) if type(answer) is Response else self._wait_for(exchange, answer)

    def _behind(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Hand on what is no tenant's."""
        handed: Awaitable[None] = self._app(scope, receive, send)
        return handed

    def _request(self, exchange: Exchange, path: str) -> Request:
        # Arguments by name would pass through a dictionary, as they do for every class.
        given, method, target = exchange.given, exchange.method, exchange.target
        request = Request("GET" if method == "HEAD" else method, path)
        request.headers = LazyHeaders(given) if exchange.shares_origin else OwnHeaders(given)
        request.query_string = exchange.scope["query_string"]
        request.client = self._client(exchange.scope)
        request.id = request_id(given) or exchange.run_id.hex
        request.url_base = "" if target is None else target.base
        return request

    def _answer(self, exchange: Exchange) -> Response | Awaitable[Response]:
        """Find what the address means and let it answer."""
        target = exchange.target
        try:
            if target is None:
                return self._no_such(exchange.request, "address")
            place = self._applications.known(target.address)
            return self._look_up(exchange, target) if place is None else self._at(place, exchange)
        except Exception as problem:
            return self._troubled(exchange, problem)

    async def _look_up(self, exchange: Exchange, target: Target) -> Response:
        place = await self._applications.at(target.address)
        if place is None:
            return self._no_such(exchange.request, "address")
        return await _given(self._at(place, exchange))

    def _at(self, place: Place, exchange: Exchange) -> Response | Awaitable[Response]:
        """Find the route and take the body in."""
        exchange.place = place
        request, scope = exchange.request, exchange.scope
        match = place.application.routes.match(exchange.method, request.path)
        if match.route is None:
            return self._unmatched(request, match)
        served = exchange.served = self._served(place, match.route)
        request.params = match.params
        request.route = match.route.pattern
        if exchange.method not in BODYLESS or exchange.given.get(b"content-length", b"0") not in (b"", b"0"):
            body = whole_body(scope, served.max_body)
            if body is None:
                return self._receive(exchange, place, served)
            request.body = body
        return self._served_by(exchange, place, served)

    async def _receive(self, exchange: Exchange, place: Place, served: ServedRoute) -> Response:
        request = exchange.request
        request.body = await self._arrivals.read(exchange.receive, exchange.given, served.max_body, request.client)
        return await _given(self._served_by(exchange, place, served))

    def _served_by(self, exchange: Exchange, place: Place, served: ServedRoute) -> Response | Awaitable[Response]:
        """Let a route answer, unless there is too much to do."""
        request, load, traffic = exchange.request, served.load, self._traffic
        if traffic.in_flight >= MOST_IN_FLIGHT or load.in_flight >= MOST_OF_TENANT:
            return self._overloaded(request)
        key = exchange.given.get(b"idempotency-key", b"").decode("latin-1")
        answer: Response | Awaitable[Response]
        if key or served.route.is_async:
            answer = self._answering.answer(place, served, request, exchange.run_id, key)
        else:
            answer = self._answering.answer_now(place, served, request, exchange.run_id)
            if isinstance(answer, Response):
                return answer
        exchange.load = load
        traffic.in_flight += 1
        load.in_flight += 1
        return answer

    async def _wait_for(self, exchange: Exchange, answer: Response | Awaitable[Response]) -> None:
        """Send an answer that has to be waited for, or passed on as it comes."""
        try:
            response = answer if isinstance(answer, Response) else await answer
        except Gone:
            return
        except Exception as problem:
            response = self._troubled(exchange, problem)
        finally:
            if exchange.load is not None:
                self._traffic.in_flight -= 1
                exchange.load.in_flight -= 1
        if isinstance(response, StreamedResponse):
            if await self._stream(exchange, response):
                return
            response = self._overloaded(exchange.request)
        rest = self._finish(exchange, response)
        if rest is not None:
            await rest

    def _finish(self, exchange: Exchange, response: Response) -> Awaitable[None] | None:
        """Send a whole answer; return what is left to be awaited when the server cannot take it in one write."""
        version = 0 if exchange.place is None else exchange.place.version_number
        head = self._heads.of(response, exchange.request.id, version, shares_origin=exchange.shares_origin)
        content = response.content(exchange.method)
        whole = (exchange.scope.get("extensions") or {}).get(WHOLE_ANSWER)
        if whole is None or not whole(response.status, head, content):
            return self._finish_in_parts(exchange, response, head, content)
        self._count(exchange, response.status, len(response.body), (time.perf_counter_ns() - exchange.began) // 1000)
        return None

    async def _finish_in_parts(self, exchange: Exchange, response: Response, head: bytes, content: bytes) -> None:
        send = exchange.send
        await send({"type": "http.response.start", "status": response.status, "headers": pairs(head)})
        await send({"type": "http.response.body", "body": content})
        self._count(exchange, response.status, len(response.body), (time.perf_counter_ns() - exchange.began) // 1000)

    def _troubled(self, exchange: Exchange, problem: Exception) -> Response:
        """Answer what kept a request from its answer: the exception in hand."""
        request = exchange.request
        if isinstance(problem, PayloadTooLarge):  # by the commit: nothing was kept
            return refusal(problem, request)
        if isinstance(problem, (TooLong, TooSlow, TooMany)):
            self._traffic.refuse("body")
            return _body_refused(problem, request, exchange.served)
        if isinstance(problem, DATABASE_TROUBLE):
            log.warning("ingress.database_trouble", problem=type(problem).__name__, detail=str(problem))
            return unavailable(request.id, "The database does not answer.")
        if isinstance(problem, SecretsRefused):
            log.warning("ingress.secrets_refused", path=exchange.path, **places_of(problem))
            return unavailable(request.id, "The workflow cannot be served with the secrets that are set.")
        log.exception("ingress.bug", request_id=request.id)
        return bug(request)

    async def _stream(self, exchange: Exchange, response: StreamedResponse) -> bool:
        """Pass an answer on as it comes; False when that cannot be done now, and nothing was sent."""
        place, served, request = exchange.place, exchange.served, exchange.request
        assert place is not None
        assert served is not None
        load = served.load
        if self._traffic.streams >= MOST_STREAMS or load.streams >= MOST_STREAMS_OF_TENANT:
            response.status = 503
            await response.end(Passage(0, REFUSED))
            return False
        head = self._heads.of_stream(response, request.id, place.version_number, shares_origin=exchange.shares_origin)
        microseconds = (time.perf_counter_ns() - exchange.began) // 1000
        self._traffic.streams += 1
        load.streams += 1
        try:
            passage = await pass_on(response, exchange.method, pairs(head), exchange.receive, exchange.send)
        finally:
            self._traffic.streams -= 1
            load.streams -= 1
        if passage.ended != COMPLETE:
            (exchange.scope.get("extensions") or {}).get(ABORT, _nothing)()
        self._count(exchange, response.status, passage.size, microseconds)
        return True

    def _overloaded(self, request: Request) -> Response:
        self._traffic.refuse("overload")
        return unavailable(request.id, "Too much to do; nothing was accepted.")

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
        return self._overloaded(request) if self._services.writer.group.backlog > LONGEST_BACKLOG else None

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

    def _client(self, scope: Any) -> str:
        if self._proxies:
            hops = forwarded_for(scope["headers"])
            if len(hops) >= self._proxies:
                return hops[-self._proxies]
        client = scope.get("client")
        return client[0] if client else ""

    def _count(self, exchange: Exchange, status: int, size: int, microseconds: int) -> None:
        """Count an answer; the time of a streamed one is that until its beginning."""
        request = exchange.request
        if exchange.served is not None:
            exchange.served.tally.add(status, microseconds)
        if self._log.is_on:
            self._log.add(request.method, exchange.path, status, size, microseconds, request.client, request.id)


async def _given(answer: Response | Awaitable[Response]) -> Response:
    return answer if isinstance(answer, Response) else await answer


def _nothing() -> None:
    return None


def _body_refused(refused: Exception, request: Request, served: ServedRoute | None) -> Response:
    """Answer a body that is too long, comes too slowly, or is one of too many."""
    if isinstance(refused, TooLong):
        most = served.max_body if served else 0
        return problem(413, "body.too_large", f"The body may have at most {most} bytes.", request)
    if isinstance(refused, TooSlow):
        return problem(408, "body.too_slow", f"The body did not arrive within {SECONDS} seconds.", request)
    response = problem(429, "body.too_many", f"This address is sending {MOST_OF_CLIENT} bodies already.", request)
    response.headers.append((b"retry-after", b"1"))
    return response


@lru_cache(maxsize=4096)
def _is_allowed(host: bytes) -> bool:
    name, _ = split_domain_port(host.decode("latin-1"))
    return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)
