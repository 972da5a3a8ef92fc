"""The application as an ASGI callable."""

import asyncio
from types import SimpleNamespace

from apps.engine.asgi import EngineAsgi
from apps.engine.testing import Bench, call_asgi
from tests.support.small_modules import compiled

TEXT = """
modules:
- {name: server, type: http.server}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
workflows:
  http:
    routes: [{method: POST, path: /x, handler: main}]
  pipelines:
    main:
      steps:
      - emit: made
      - respond: {status: '${data.status}', body: {}}
"""


async def test_what_a_request_wrote_is_kept_below_500_and_dropped_from_there():
    async with Bench(compiled(TEXT)) as bench:
        for status in (200, 404, 500, 503):
            assert (await bench.request("POST", "/x", body={"status": status})).status == status
        assert len(bench.host.queue.messages("local")) == 2
        assert [run["status"] for run in bench.host.queue.runs("local")] == ["done", "done", "failed", "failed"]


async def test_the_callers_request_id_is_kept_and_else_one_is_made():
    async with Bench(compiled(TEXT)) as bench:
        found = await bench.request("POST", "/x", body={"status": 200}, headers={"X-Request-ID": "mine-1"})
        assert found.headers["x-request-id"] == "mine-1"
        assert bench.host.queue.runs("local")[0]["request_id"] == "mine-1"
        assert (await bench.request("POST", "/none")).headers["x-request-id"]


async def test_without_an_application_it_answers_503():
    async with Bench() as bench:
        assert (await bench.request("GET", "/")).status == 503


async def test_requests_are_counted():
    async with Bench(compiled(TEXT)) as bench:
        await bench.request("POST", "/x", body={"status": 200})
        text = await bench.host.metrics_of("local").page()
        assert 'http_requests_total{method="POST",path="/x",status_code="200"} 1' in text


async def test_a_body_in_pieces_is_put_together_and_capped():
    async with Bench(compiled(TEXT)) as bench:
        pieces = [b'{"status"', b": 20", b"1}"]
        assert (await _send_pieces(bench.host.asgi(), pieces))["status"] == 201
        assert (await _send_pieces(bench.host.asgi(), [b"x" * 600_000, b"x" * 600_000]))["status"] == 413


async def _send_pieces(app, pieces):
    waiting = list(pieces)
    sent = []

    async def receive():
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message):
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/x", "headers": []}, receive, send)
    return sent[0]


async def test_it_takes_part_in_the_servers_life_and_refuses_sockets():
    app = EngineAsgi(lambda: None, SimpleNamespace, lambda *_, **__: None)
    waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    await app({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


async def test_a_unit_that_cannot_be_written_is_not_answered_as_done():
    async with Bench(compiled(TEXT)) as bench:

        def refuse(unit, record, kept):
            unit.release()
            raise RuntimeError("disk full")

        app = EngineAsgi(bench.host.application, lambda: bench.host.new_unit("local"), refuse)
        found = await call_asgi(app, "POST", "/x", body={"status": 200})
        assert (found.status, found.json()["code"]) == (500, "engine.bug")


async def test_a_caller_that_goes_away_leaves_nothing_behind():
    text = TEXT.replace("- emit: made", "- emit: made\n      - uses: sender").replace(
        "workflows:", "- {name: sender, type: test.sender}\nworkflows:", 1
    )
    async with Bench(compiled(text)) as bench:
        reached = asyncio.Event()

        class Silent:
            async def request(self, *args, **more):
                reached.set()
                await asyncio.Event().wait()

        bench.host.http = Silent()
        caller = asyncio.ensure_future(bench.request("POST", "/x", body={"status": 200}))
        await reached.wait()
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        assert bench.host.queue.messages("local") == []
        assert len(bench.host.locks) == 0


HEADERS = TEXT.replace("body: {}}", "headers: {x-fine: 'a', x-torn: '${data.torn}', content-type: 'a/${data.torn}'}}")


async def test_a_header_that_cannot_be_sent_is_left_out():
    async with Bench(compiled(HEADERS)) as bench:
        answer = await bench.request("POST", "/x", body={"status": 200, "torn": "a\x00b"})
    assert (answer.status, answer.headers["x-fine"]) == (200, "a")
    assert "x-torn" not in answer.headers
    assert answer.headers["content-type"] == "application/octet-stream"
