"""``/health`` ``/healthz`` ``/live`` ``/ready``, answered before Django so that a busy thread pool cannot hide them."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import connections

Probe = Callable[[], None]

HEARTBEAT_KEY = "weft:worker:heartbeat"  # renewed by workers every 2 s, gone after 10 s of silence
REMEMBER_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
LIVE_PATHS = frozenset({"/health", "/healthz", "/live"})


class NotReady(Exception):
    """A part that serving needs does not answer."""


def probe_database() -> None:
    """The database answers as role app."""
    connection = connections["default"]
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    finally:
        connection.close()


def probe_redis() -> None:
    """Redis answers."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS) as client:
        client.ping()


def probe_worker() -> None:
    """Some worker has given a sign of life just now."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS) as client:
        if not client.exists(HEARTBEAT_KEY):
            raise NotReady("no worker has given a sign of life")


PROBES: dict[str, Probe] = {"database": probe_database, "redis": probe_redis, "worker": probe_worker}


def readiness(probes: dict[str, Probe] | None = None) -> dict[str, str]:
    """Each probe's name with ``ok`` or what is wrong; never a connection string."""
    found: dict[str, str] = {}
    for name, probe in (probes or PROBES).items():
        try:
            probe()
            found[name] = "ok"
        except NotReady as problem:
            found[name] = str(problem)
        except Exception as problem:
            found[name] = type(problem).__name__
    return found


class Health:
    """ASGI wrapper that answers the four addresses and passes everything else on."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._known: dict[str, str] = {}
        self._known_at = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path in LIVE_PATHS:
            await _answer(scope, send, 200, {"status": "ok"})
        elif path == "/ready":
            checks = await self._readiness()
            ready = all(value == "ok" for value in checks.values())
            await _answer(
                scope, send, 200 if ready else 503, {"status": "ok" if ready else "unready", "checks": checks}
            )
        else:
            await self.app(scope, receive, send)

    async def _readiness(self) -> dict[str, str]:
        async with self._lock:
            if time.monotonic() - self._known_at > REMEMBER_SECONDS:
                self._known = await asyncio.to_thread(readiness)
                self._known_at = time.monotonic()
            return self._known


async def _answer(scope: Any, send: Any, status: int, body: dict[str, Any]) -> None:
    is_read = scope["method"] in {"GET", "HEAD"}
    if not is_read:
        status, body = 405, {"status": "method not allowed"}
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if not is_read:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
