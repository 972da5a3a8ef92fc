"""An Application as an ASGI callable. It owns no socket, no store and no worker: those come from its host."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Protocol
from uuid import UUID, uuid4

from apps.engine.application import Application, Route
from apps.engine.http import BODILESS, Request, Response, is_sendable, sendable_type
from apps.engine.ids import uuid7
from apps.engine.module import Context
from apps.engine.ports import Unit
from apps.engine.redaction import KnownSecrets
from apps.engine.run.program import Trace, read_trace
from apps.engine.sampling import sample_request
from apps.engine.sections.answers import not_found, problem, wrong_method
from apps.engine.streams import Passage, StreamedResponse, pass_on

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Scope = dict[str, Any]
log = logging.getLogger(__name__)


class TooLarge(Exception):
    """The body is larger than the route takes."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that has been answered: what its run row tells."""

    run_id: UUID
    route: Route
    request: Request
    response: Response
    steps: list[dict[str, Any]]
    started_at: datetime
    has_failed: bool = False  # for another reason than its status: a streamed answer was broken off

    @property
    def state(self) -> str:
        """How the run of the request ended: `done` or `failed`."""
        return "failed" if self.has_failed or self.response.is_failure else "done"


class Kept(Enum):
    """What is committed of what a request did."""

    ALL = "all"
    ERRORS = "errors"  # it was refused or failed: only the messages that tell of that
    NOTHING = "nothing"  # the caller went away


class Finish(Protocol):
    """How a host ends a unit; `record` is the run row to write, if any."""

    def __call__(self, unit: Any, record: RequestRecord | None, kept: Kept) -> None:
        """Commit or drop, and release."""


class EngineAsgi:
    """Serves the application that `application()` gives at the time of each request."""

    def __init__(
        self,
        application: Callable[[], Application | None],
        open_unit: Callable[[], Unit],
        finish: Finish,
        known: KnownSecrets | None = None,
    ) -> None:
        self._application = application
        self._open_unit = open_unit
        self._finish = finish
        self._known = known or KnownSecrets()  # not told to callers in refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = _request(scope)
            response = await self._answer(request, receive)
            if isinstance(response, StreamedResponse):
                await pass_on(response, scope["method"], _stream_head(response, request), receive, send)
            else:
                await _send(response, request, send, response.content(scope["method"]))
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _answer(self, request: Request, receive: Receive) -> Response:
        application = self._application()
        if application is None:
            return problem(503, "application.none", "There is no valid document to serve.", request)
        match = application.match(request.method, request.path)
        route = match.route
        if route is None:
            return wrong_method(request, match.allow) if match.allow else not_found(request)
        request.params = dict(match.params)
        request.route = route.pattern
        if request.method == "HEAD":
            request.method = route.method
        try:
            request.body = await _body(request, receive, route.max_body)
        except TooLarge:
            detail = f"The body may have at most {route.max_body} bytes."
            return problem(413, "body.too_large", detail, request)
        return await self._serve(route, request)

    async def _serve(self, route: Route, request: Request) -> Response:
        unit = self._open_unit()
        started_at = unit.clock.now()
        context = Context(unit, run_id=uuid7(), request_id=request.id)
        trace: Trace = []
        try:
            response = await _called(route, request, context, trace)
        except BaseException:  # the caller went away
            self._finish(unit, None, Kept.NOTHING)
            raise
        if response.is_refusal:
            response.body = self._known.redactor.payload(response.body)
        record = None
        if route.record != "none":
            steps = request_steps(route, context, trace)
            record = RequestRecord(context.run_id, route, request, response, steps, started_at)
        streamed = response if isinstance(response, StreamedResponse) else None
        try:
            self._finish(unit, record if streamed is None else None, Kept.ALL if response.keeps_writes else Kept.ERRORS)
        except Exception:
            log.exception("what request %s to %s did could not be written", request.id, route.name)
            response = problem(500, "engine.bug", "A fault in the product stopped this request.", request)
        sample_request(unit.metrics, route, response, trace, (unit.clock.now() - started_at).total_seconds())
        if streamed is not None and record is not None:
            streamed.finish = partial(self._ended, record)
        return response

    async def _ended(self, record: RequestRecord, passage: Passage) -> None:
        """Write the row of a streamed answer when its end is known; what the request did was written before."""
        self._finish(self._open_unit(), replace(record, has_failed=passage.has_failed), Kept.ALL)


def request_steps(route: Route, context: Context, trace: Trace) -> list[dict[str, Any]]:
    """Return the lines of a request's story: its program's steps, and one for what was said outside of them."""
    lines = [] if route.program is None else read_trace(route.program, trace)
    if context.logs:
        line = {
            "index": len(lines),
            "name": route.handler,
            "kind": "handler",
            "path": route.path,
            "module": route.handler,
        }
        lines.append(line | {"state": "done", "attempt": 1, "output": None, "error": None, "logs": context.logs})
    return lines


async def _called(route: Route, request: Request, context: Context, trace: Trace) -> Response:
    """Call the route; a fault of the engine is an answer too."""
    try:
        answer: Any = route.call(request, context, trace)
        response: Response = (await answer) if route.is_async else answer
    except Exception:
        log.exception("request %s to %s failed by a fault of the engine", request.id, route.name)
        return problem(500, "engine.bug", "A fault in the product stopped this request.", request)
    return response


def _request(scope: Scope) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    return Request(
        scope["method"],
        scope["path"],
        headers=headers,
        query_string=scope.get("query_string", b""),
        client=client[0] if client else "",
        id=headers.get("x-request-id") or str(uuid4()),
    )


async def _body(request: Request, receive: Receive, most: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > most:
        raise TooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(response: Response, request: Request, send: Send, content: bytes) -> None:
    headers: list[tuple[bytes, bytes]] = []
    if response.status not in BODILESS:
        headers.append((b"content-length", str(len(response.body)).encode()))
        headers.append((b"content-type", sendable_type(response.content_type)))
    _add_further(headers, response, request)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _stream_head(response: StreamedResponse, request: Request) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", sendable_type(response.content_type))]
    if response.length is not None:
        headers.append((b"content-length", str(response.length).encode()))
    _add_further(headers, response, request)
    return headers


def _add_further(headers: list[tuple[bytes, bytes]], response: Response, request: Request) -> None:
    headers += [pair for pair in response.headers if is_sendable(*pair)]
    if not any(name == b"x-request-id" for name, _ in response.headers):
        headers.append((b"x-request-id", request.id.encode("latin-1", "replace")))


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
