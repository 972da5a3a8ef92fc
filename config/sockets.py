"""Web sockets: only from our own pages, with the session's user, to the consumers."""

from typing import Any
from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import re_path

from apps.runs.consumers.urls import urlpatterns

POLICY_VIOLATION = 1008
DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


def same_origin(headers: list[tuple[bytes, bytes]], scheme: str) -> bool:
    """Whether the page that opens the socket came from the host that it opens it to.

    Unlike Channels' own validator this does not fall open when ALLOWED_HOSTS is ``*``.
    """
    found = {name.lower(): value.decode("latin-1") for name, value in headers}
    origin, host = urlsplit(found.get(b"origin", "")), found.get(b"host", "")
    name, port = split_domain_port(host)
    if not origin.hostname or origin.scheme not in {"http", "https"} or not validate_host(name, settings.ALLOWED_HOSTS):
        return False
    theirs = str(origin.port or DEFAULT_PORTS[origin.scheme])
    ours = port or (DEFAULT_PORTS[origin.scheme] if settings.TRUSTED_PROXIES else DEFAULT_PORTS[scheme])
    return (origin.hostname, theirs) == (name.strip("[]").lower(), ours)


class SameOrigin:
    """ASGI wrapper that denies sockets opened by other people's pages, or by no page."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if same_origin(scope["headers"], scope.get("scheme", "ws")):
            return await self.app(scope, receive, send)
        await receive()
        return await send({"type": "websocket.close", "code": POLICY_VIOLATION})


async def unknown(scope: Any, receive: Any, send: Any) -> None:
    """Deny a socket at an address that nobody listens at: 404 where the server can say so, else closed unopened."""
    await receive()
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})


def sockets() -> Any:
    """The whole socket side, from the origin check down to the consumers."""
    return SameOrigin(AuthMiddlewareStack(URLRouter([*urlpatterns, re_path("", unknown)])))  # type: ignore[arg-type]
