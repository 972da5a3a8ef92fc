"""`/_weft/...` answers this machine only and refuses what it cannot use."""

import json

import pytest

from apps.engine.local.host import LocalHost
from apps.wfctl.console import Console

pytestmark = pytest.mark.spec("SPINE-B9")


@pytest.fixture
async def console():
    async def served(scope, receive, send):
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    host = LocalHost()
    yield Console(served, host)
    await host.close()


async def call(console, method, path, body=b"", client="127.0.0.1", kind="application/json"):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(b"content-type", kind.encode())],
        "client": client and (client, 1),
    }
    await console(scope, receive, send)
    content = sent[1]["body"]
    return sent[0]["status"], json.loads(content) if content else None


@pytest.mark.parametrize("client", ["10.0.0.7", "2001:db8::1", "somewhere"])
async def test_another_machine_is_refused(console, client):
    status, problem = await call(console, "GET", "/_weft/runs", client=client)
    assert (status, problem["code"]) == (403, "console.local")


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", None])
async def test_this_machine_is_answered(console, client):
    assert await call(console, "GET", "/_weft/runs", client=client) == (200, [])


async def test_everything_else_is_handed_on(console):
    assert await call(console, "GET", "/orders", client="10.0.0.7") == (299, None)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("messages", b"[]", 422),
        ("messages", b"{", 400),
        ("messages", b'{"topic": "a", "key": 7}', 422),
        ("messages", b" " * (1_048_576 + 1), 413),
        ("runs", b'{"workflow": "x"}', 503),
    ],
)
async def test_a_body_that_cannot_be_used_is_refused(console, path, body, status):
    assert (await call(console, "POST", f"/_weft/{path}", body))[0] == status


async def test_a_form_cannot_reach_it_from_another_page(console):
    status, problem = await call(console, "POST", "/_weft/messages", b'{"topic": "a"}', kind="text/plain")
    assert (status, problem["code"]) == (415, "console.json")
