"""What every proxy does with a request and an answer (RFC 9110, 7.6): which headers go on, and how a failure looks."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

import orjson

from apps.engine.http import BODILESS, Request, Response
from apps.engine.module import Context
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import HttpReply, OpenReply
from apps.engine.streams import StreamedResponse

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
OURS = HOP_BY_HOP | {"host", "content-length", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
SCHEMES = ("http", "https")
SHORT = 64 * 1024  # an answer that announces no more is taken whole: it is kept in the run's row, and costs one write
EVENTS = "text/event-stream"
PATH_SAFE = "/:@!$&'()*+,;=~-._"


def forwarded(request: Request) -> dict[str, str]:
    """Return the headers that go on to a backend: the caller's own, without those meant for this connection.

    `X-Forwarded-For` is the caller's address as this product knows it; what the caller says of that is dropped.
    """
    sent = {name.lower(): value for name, value in request.headers.items()}
    dropped = OURS | _named_in(sent.get("connection", ""))
    scheme = sent.get("x-forwarded-proto", "")
    headers = {name: value for name, value in sent.items() if name not in dropped}
    headers["x-forwarded-proto"] = scheme if scheme in SCHEMES else SCHEMES[0]
    for name, value in (("for", request.client), ("host", sent.get("host", "")), ("prefix", request.url_base)):
        if value:
            headers[f"x-forwarded-{name}"] = value
    if request.id:
        headers["x-request-id"] = request.id
    return headers


def refuse_upgrade(request: Request) -> None:
    """Refuse to become a websocket or anything else; raise `Rejected` 501."""
    wanted = request.headers.get("upgrade", "")
    if wanted and "upgrade" in _named_in(request.headers.get("connection", "")):
        raise Rejected(
            f"A proxy passes on requests and answers, not connections: {wanted} is not served here.",
            code="proxy.upgrade",
            status=501,
        )


def address(base: str, path: str, query: str) -> str:
    """Return the URL of a path below a base URL; raise `Rejected` for a path that would leave it."""
    if any(part in (".", "..") for part in path.split("/")):
        raise Rejected("A path may not hold . or .. as a part.", code="proxy.path", status=400)
    parts = urlsplit(base)
    joined = f"{parts.path.rstrip('/')}/{quote(path.lstrip('/'), safe=PATH_SAFE)}"
    asked = "&".join(part for part in (parts.query, query) if part)
    return parts._replace(path=joined, query=asked, fragment="").geturl()


async def exchange(
    context: Context,
    request: Request,
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float,
    host: str = "",
    whole: bool = False,
) -> HttpReply | OpenReply:
    """Ask a backend once; redirects are the caller's to follow. A long answer is left to be read as it comes.

    Within `timeout` the headers are there, and the body too where it is taken whole: because that was asked for, or
    because it is short.
    """
    reply = await context.unit.http.open(
        request.method, url, headers=headers, body=request.body, timeout=timeout, host=host
    )
    return await reply.whole() if whole or _is_short(reply) else reply


def _is_short(reply: OpenReply) -> bool:
    length = _length(reply)
    announced = length is not None and length <= SHORT and not reply.headers.get("content-type", "").startswith(EVENTS)
    return announced or reply.status in BODILESS


def _length(reply: OpenReply) -> int | None:
    announced = reply.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() and "transfer-encoding" not in reply.headers else None


def passed_on(reply: HttpReply | OpenReply) -> Response:
    """Return a backend's answer as the caller gets it; trailers stay behind as what is meant for one connection."""
    lines = reply.lines or tuple(reply.headers.items())
    dropped = HOP_BY_HOP | _named_in(reply.headers.get("connection", "")) | {"content-length", "content-type"}
    kind = reply.headers.get("content-type", "application/octet-stream").encode("latin-1")
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines if name not in dropped]
    if isinstance(reply, HttpReply):
        return Response(reply.status, reply.body, kind, headers)
    return StreamedResponse(reply, kind, headers, _length(reply))


def failed(backend: str, path: str, failure: StepFailed | TryAgain) -> Response:
    """Answer that a backend gave no answer to pass on: 502 with the backend's name (spec/modules.md 3.2)."""
    return Response(502, orjson.dumps({"error": failure.message, "backend": backend, "path": path}))


def unavailable(backend: str, path: str, why: str, seconds: float) -> Response:
    """Answer that a backend is not asked at the moment: 503 with when to come again."""
    response = Response(503, orjson.dumps({"error": why, "backend": backend, "path": path}))
    response.headers.append((b"retry-after", str(max(1, round(seconds))).encode()))
    return response


def without(headers: Iterable[tuple[bytes, bytes]], names: Iterable[str]) -> list[tuple[bytes, bytes]]:
    """Return headers without those of the given names."""
    dropped = {name.lower().encode("latin-1") for name in names}
    return [pair for pair in headers if pair[0] not in dropped]


def _named_in(connection: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in connection.split(",") if name.strip())
