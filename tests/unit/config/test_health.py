"""The four health addresses answer before Django and never say how to reach a part, only whether it answers."""

import json

import pytest

from config import health

pytestmark = pytest.mark.spec("SPINE-B5")


async def ask(app, path, method="GET"):
    """One request straight to the ASGI callable; returns status and body."""
    start, rest = await told(app, path, method)
    return start["status"], rest["body"]


async def told(app, path, method):
    """One request straight to the ASGI callable; returns the messages of its answer."""
    sent = []

    async def send(message):
        sent.append(message)

    await app({"type": "http", "path": path, "method": method, "headers": []}, None, send)
    return sent


async def beyond(scope, receive, send):
    """What stands behind the health addresses."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"beyond"})


@pytest.mark.spec("SPINE-B5.16")
@pytest.mark.parametrize("path", ["/health", "/healthz", "/live"])
async def test_a_process_that_runs_is_alive(path):
    assert await ask(health.Health(beyond), path) == (200, b'{"status": "ok"}')


async def test_everything_else_goes_on():
    assert await ask(health.Health(beyond), "/healthy") == (299, b"beyond")


async def test_only_reading_is_allowed():
    start, _ = await told(health.Health(beyond), "/health", "POST")
    assert (start["status"], dict(start["headers"])[b"allow"]) == (405, b"GET, HEAD")


async def test_a_head_has_no_body():
    assert await ask(health.Health(beyond), "/live", "HEAD") == (200, b"")


def broken():
    """A probe whose part is down; its message holds a password."""
    raise ConnectionError("postgresql://app:secret@db")


@pytest.mark.spec("SPINE-B5.16")
async def test_ready_says_which_part_does_not_answer_and_no_more(monkeypatch):
    monkeypatch.setattr(health, "PROBES", {"database": broken, "redis": lambda: None})
    status, body = await ask(health.Health(beyond), "/ready")
    assert status == 503
    assert json.loads(body)["checks"] == {"database": "ConnectionError", "redis": "ok"}
    assert b"secret" not in body


async def test_ready_is_asked_at_most_once_a_second(monkeypatch):
    asked = []
    monkeypatch.setattr(health, "PROBES", {"database": lambda: asked.append(1)})
    app = health.Health(beyond)
    assert [(await ask(app, "/ready"))[0] for _ in range(20)] == [200] * 20
    assert len(asked) == 1
