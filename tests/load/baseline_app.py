"""The baseline: a bare ASGI application that does the measured work by hand, knows no tenant and stores nothing.

Served by the same uvicorn, loop and parser as the product, in the same run, so that a ratio means something.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

HEADERS = [(b"content-type", b"application/json")]


def three_steps(data: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, int]]]:
    """Set two fields, compute a number, branch on it; return the data and each step's time in nanoseconds."""
    clock = time.perf_counter_ns
    timings = []
    started = clock()
    data = {**data, "source": "bench", "version": 1}
    timings.append(("prepare", clock() - started))
    started = clock()
    data = {**data, "total": data["amount"] * 1.2}
    timings.append(("tax", clock() - started))
    started = clock()
    data = {**data, "status": "big" if data["total"] > 100.0 else "small"}
    timings.append(("route", clock() - started))
    return data, timings


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer `GET /hello` with a constant and any POST with the three steps."""
    if scope["type"] != "http":
        return
    body = b'{"hello":"world"}'
    if scope["method"] == "POST":
        message = await receive()
        data, _ = three_steps(orjson.loads(message["body"]))
        body = orjson.dumps(data)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": body})
