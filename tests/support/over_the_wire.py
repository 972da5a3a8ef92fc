"""A listening server as an ASGI callable: what is said to it goes over a real connection and comes back as events.

So a suite written for an application in the test's own loop runs as it is against a server process.
"""

import asyncio
from http.client import parse_headers
from io import BytesIO
from typing import Any

from django.conf import settings
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.runs.adapters.threads import in_thread
from apps.tenants.models import User

HOST = "127.0.0.1"
PATIENCE_SECONDS = 30.0


class OverTheWire:
    """Each call is a connection of its own. A scope's `user` is signed in; a socket comes from a page of the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.origin = f"http://localhost:{port}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        carry = self._socket if scope["type"] == "websocket" else self._request
        await carry(scope, receive, send)

    async def _request(self, scope: Any, receive: Any, send: Any) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port)
        try:
            writer.write(_head(scope) + (await receive())["body"])
            async with asyncio.timeout(PATIENCE_SECONDS):
                head, body = await reader.readuntil(b"\r\n\r\n"), await reader.read()
        finally:
            writer.close()
        status, _, lines = head.partition(b"\r\n")
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in _headers(lines)]
        await send({"type": "http.response.start", "status": int(status.split()[1]), "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _socket(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = {"Origin": self.origin} | {name.decode(): value.decode() for name, value in scope["headers"]}
        if "user" in scope:
            headers["Cookie"] = await in_thread(session_cookie, scope["user"])
        address = f"ws://localhost:{self._port}{scope['path']}"
        try:
            opened = await connect(address, additional_headers=headers, compression=None, ping_interval=None)
        except InvalidStatus as refused:
            await send({"type": "websocket.close", "code": refused.response.status_code})
            return
        async with opened:
            await send({"type": "websocket.accept", "subprotocol": None})
            await _converse(opened, receive, send)


async def _converse(opened: ClientConnection, receive: Any, send: Any) -> None:
    hearing = asyncio.create_task(_hear(opened, send))
    while (message := await receive())["type"] != "websocket.disconnect":
        await opened.send(message["text"])
    await opened.close()
    await hearing


async def _hear(opened: ClientConnection, send: Any) -> None:
    try:
        while True:
            await send({"type": "websocket.send", "text": await opened.recv()})
    except ConnectionClosed:
        await send({"type": "websocket.close", "code": opened.close_code})


def _head(scope: Any) -> bytes:
    query = scope["query_string"] and b"?" + scope["query_string"]
    first = b"%s %s%s HTTP/1.1" % (scope["method"].encode(), scope["raw_path"], query)
    lines = [b"%s: %s" % pair for pair in [*scope["headers"], (b"connection", b"close")]]
    return b"\r\n".join([first, *lines, b"", b""])


def _headers(lines: bytes) -> list[tuple[str, str]]:
    return list(parse_headers(BytesIO(lines)).items())


def session_cookie(user: User) -> str:
    """Sign somebody in and return the cookie as a browser sends it."""
    browser = Client()
    browser.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
