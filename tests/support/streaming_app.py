"""The application of `streaming_upstream`: answers that come bit by bit, as far as a test lets them.

By the last part of the path: `events` says one event, and a second one when `POST /let/<path>` came; `large` sends
`?size=` bytes with their length and counts them (`GET /told/<path>`); `broken` announces `?size=` and sends half;
`endless` goes on until its caller is gone; `empty` answers `?status=` without a body; `state` answers what
`POST /set?status=` said; `echo` sends the request back.
"""

import asyncio
import json
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qsl

PIECE = b"x" * 65_536
LET: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
TOLD: dict[str, Any] = {}
SET = {"status": 200}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    path, query = scope["path"], dict(parse_qsl(scope["query_string"].decode()))
    first = path.split("/")[1]
    if first == "let":
        LET[path.removeprefix("/let")].set()
        await whole(send, {})
    elif first == "told":
        await whole(send, {"told": TOLD.get(path.removeprefix("/told"))})
    elif first == "set":
        SET["status"] = int(query["status"])
        await whole(send, {})
    else:
        await ANSWERS[path.rpartition("/")[2]](scope, query, receive, send)


async def begin(send: Any, status: int, *headers: tuple[str, str]) -> None:
    lines = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": lines})


async def piece(send: Any, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": True})


async def end(send: Any) -> None:
    await send({"type": "http.response.body", "body": b""})


async def whole(send: Any, value: Any, status: int = 200) -> None:
    content = json.dumps(value).encode()
    await begin(send, status, ("content-type", "application/json"), ("content-length", str(len(content))))
    await send({"type": "http.response.body", "body": content})


async def events(scope: Any, query: Any, receive: Any, send: Any) -> None:
    await begin(send, 200, ("content-type", "text/event-stream"), ("x-mark", "1"), ("keep-alive", "timeout=5"))
    await piece(send, b"data: first\n\n")
    await LET[scope["path"]].wait()
    await piece(send, b"data: second\n\n")
    await end(send)


async def large(scope: Any, query: Any, receive: Any, send: Any) -> None:
    size = int(query["size"])
    await begin(
        send, 200, ("content-type", "application/zip"), ("content-length", str(size)), ("set-cookie", "a=s3cret")
    )
    TOLD[scope["path"]] = 0
    while size:
        await piece(send, PIECE[:size])
        TOLD[scope["path"]] += len(PIECE[:size])
        size -= len(PIECE[:size])
    await end(send)


async def broken(scope: Any, query: Any, receive: Any, send: Any) -> None:
    size = int(query["size"])
    await begin(send, 200, ("content-type", "application/zip"), ("content-length", str(size)))
    await piece(send, b"x" * (size // 2))  # returning now makes the server drop the connection


async def endless(scope: Any, query: Any, receive: Any, send: Any) -> None:
    await begin(send, 200, ("content-type", "text/event-stream"))
    await piece(send, b"data: on and on\n\n")
    while (await receive())["type"] != "http.disconnect":
        pass
    TOLD[scope["path"]] = "gone"


async def empty(scope: Any, query: Any, receive: Any, send: Any) -> None:
    await begin(send, int(query["status"]), ("etag", '"1"'))
    await end(send)


async def state(scope: Any, query: Any, receive: Any, send: Any) -> None:
    await whole(send, {"state": SET["status"]}, SET["status"])


async def echo(scope: Any, query: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    names = sorted(name.decode() for name, _ in scope["headers"])
    await whole(send, {"method": scope["method"], "size": len(body), "headers": names})


ANSWERS = {
    "events": events,
    "large": large,
    "broken": broken,
    "endless": endless,
    "empty": empty,
    "state": state,
    "echo": echo,
}
