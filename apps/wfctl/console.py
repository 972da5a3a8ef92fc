"""`/_weft/...`: looking into, and poking at, what `wfctl run` serves. For the same machine only, and JSON only.

A document that `wfctl run` serves has no portal and no management API; this is what they would be used for while
writing it: publish a message, start a run by hand, see runs, messages and instances.
"""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from apps.engine.application import Application
from apps.engine.asgi import Receive, Scope, Send
from apps.engine.http import Request, Response
from apps.engine.local.host import LOCAL, LocalHost
from apps.engine.outcome import StepFailed

PREFIX = "/_weft/"
LARGEST_BODY = 1_048_576

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class Console:
    """Answers `/_weft/...` and hands everything else on."""

    def __init__(self, served: Asgi, host: LocalHost, scope: str = LOCAL) -> None:
        self._served = served
        self._host, self._scope = host, scope
        self._calls: dict[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            ("GET", "runs"): self._runs,
            ("POST", "runs"): self._start,
            ("GET", "messages"): self._messages,
            ("POST", "messages"): self._publish,
            ("GET", "instances"): self._instances,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._served(scope, receive, send)
            return
        try:
            response = await self._answer(scope, receive)
        except StepFailed as refusal:
            response = Response.problem(refusal.status, refusal.code, refusal.message)
        response.body = self._host.known.redactor.payload(response.body)
        headers = [(b"content-type", response.content_type), (b"content-length", str(len(response.body)).encode())]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        if not _is_near(scope):
            return Response.problem(403, "console.local", "The console answers this machine only")
        what, _, rest = scope["path"].removeprefix(PREFIX).partition("/")
        if scope["method"] == "GET" and what == "runs" and rest:
            return self._run(rest)
        call = self._calls.get((scope["method"], what)) if not rest else None
        if call is None:
            return Response.problem(404, "console.unknown", "The console has runs, messages and instances")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(scope["method"], scope["path"], headers=headers, body=await _body(receive))
        if request.method == "POST" and headers.get("content-type", "").partition(";")[0] != "application/json":
            return Response.problem(415, "console.json", "Send application/json")
        return await call(request)

    async def _runs(self, request: Request) -> Response:
        return Response.json(self._host.queue.runs(self._scope))

    def _run(self, named: str) -> Response:
        try:
            found = self._host.queue.run(self._scope, UUID(named))
        except ValueError:
            found = None
        return Response.json(found) if found else Response.problem(404, "run.unknown", "There is no such run")

    async def _start(self, request: Request) -> Response:
        body = _object(request)
        run = self._application().resolve(str(body.get("workflow", "")), str(body.get("action", "")), body.get("data"))
        return Response.json({"id": str(await self._host.start_run(run, self._scope))}, 202)

    async def _messages(self, request: Request) -> Response:
        return Response.json(self._host.queue.messages(self._scope))

    async def _publish(self, request: Request) -> Response:
        body = _object(request)
        topic, key = body.get("topic"), body.get("key")
        if not isinstance(topic, str) or not topic or not isinstance(key, str | None):
            return Response.problem(422, "message.invalid", "A message has a topic, a payload and maybe a key, a text")
        identity = await publish(self._host, self._scope, topic, body.get("payload"), key)
        return Response.json({"id": str(identity)}, 202)

    async def _instances(self, request: Request) -> Response:
        async with self._host.unit(self._scope) as unit:
            found = await unit.instances.page()
        return Response.json([{"id": one.key, "machine": one.machine, "state": one.state, "data": one.data,
                               "completed": one.completed, "error": one.error} for one in found])  # fmt: skip

    def _application(self) -> Application:
        application = self._host.application(self._scope)
        if application is None:
            raise StepFailed("There is no valid document to serve.", code="application.none", status=503)
        return application


async def publish(host: LocalHost, scope: str, topic: str, payload: Any, key: str | None = None) -> UUID:
    """Publish one message and return its id."""
    async with host.unit(scope) as unit:
        return unit.broker.publish(topic, payload, key=key)


def _object(request: Request) -> dict[str, Any]:
    body = request.json()
    if not isinstance(body, dict):
        raise StepFailed("The body is a JSON object.", code="body.shape", status=422)
    return body


def _is_near(scope: Scope) -> bool:
    """Say whether the caller is on this machine; a socket file has no address and is."""
    client = scope.get("client")
    try:
        return client is None or ip_address(client[0]).is_loopback
    except ValueError:
        return False


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > LARGEST_BODY:
            raise StepFailed("The body is larger than 1 MiB.", code="body.too_large", status=413)
        if not message.get("more_body"):
            return b"".join(parts)
