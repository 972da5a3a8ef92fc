"""All three proxies before a server of its own process, as `wfctl run` serves them: answers go on as they come."""

import asyncio
from uuid import uuid4

import orjson
import pytest

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.local.host import LOCAL
from apps.engine.local.outside import OutboundHttp
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.support.streaming_upstream import streaming_upstream
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("http.proxy", "http.simple_proxy", "CAT-B1")

BREAKER = "circuit_breaker: {failure_threshold: 2, open_timeout: 30s}"
KINDS = {
    "http.proxy": f'config: {{target: "%s", {BREAKER}}}',
    "reverseproxy": f'config: {{backend_services: {{only: "%s"}}, {BREAKER}}}',
    "http.simple_proxy": 'config: {targets: {/: "%s"}}',
}
WITH_BREAKERS = ("http.proxy", "reverseproxy")
TEXT = """
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: gate, type: %s, %s}
workflows:
  http:
    routes:
      - {method: GET, path: "/{rest...}", handler: gate}
      - {method: POST, path: "/{rest...}", handler: gate}
"""
SIZE = 8 * 1024 * 1024  # more than an answer that is taken whole may have


def every_kind(kinds=tuple(KINDS)):
    """Run a test with each kind; a test that passes has proven it."""
    proven = [pytest.param(kind, marks=pytest.mark.proven(kind, "uvicorn")) for kind in kinds]
    return pytest.mark.parametrize("kind", proven)


@pytest.fixture(scope="module")
def partner():
    with streaming_upstream() as running:
        yield running


@pytest.fixture
async def bench(partner, kind):
    document = load(TEXT % (kind, KINDS[kind] % partner.url)).document
    http = OutboundHttp()
    async with Bench(compile_document(document, registry()), http=http) as opened:
        yield opened
    await http.close()


@pytest.fixture
def path():
    """A path that no other test uses."""
    return f"/{uuid4().hex}"


class Asked:
    """A request under way; `messages` is what has been sent to its caller, who takes `most` messages and no more."""

    def __init__(self, bench, method, target, *, body=b"", headers=(), most=None):
        self.messages = []
        self.is_gone = asyncio.Event()
        self._most = most
        self._body = [body]
        path, _, query = target.partition("?")
        lines = [(b"host", b"shop.example"), (b"content-length", str(len(body)).encode()), *headers]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": lines}
        self.task = asyncio.create_task(bench.host.asgi()(scope, self._receive, self._send))

    async def _receive(self):
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.is_gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if len(self.messages) == self._most:
            await self.is_gone.wait()
        self.messages.append(message)

    async def reaches(self, count):
        """Wait until so many messages were sent."""

        async def look():
            return len(self.messages) >= count

        await wait_for_async(look, what=f"{count} messages")

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def is_whole(self):
        return self.messages[-1]["type"] == "http.response.body" and not self.messages[-1].get("more_body", False)


async def asked(bench, method, target, **more):
    call = Asked(bench, method, target, **more)
    await call.task
    return call


def row(bench):
    return bench.host.queue.runs(LOCAL)[0]


def streamed(bench):
    return orjson.loads(row_of(bench)["output"])["streamed"]


def row_of(bench):
    return bench.host.store.rows("select * from run order by started_at desc")[0]


@every_kind()
async def test_the_first_event_arrives_while_the_backend_still_holds_the_second(bench, partner, path):
    call = Asked(bench, "GET", f"{path}/events")
    await call.reaches(2)
    assert call.body == b"data: first\n\n"
    assert (call.status, call.headers["content-type"], call.headers["x-mark"]) == (200, "text/event-stream", "1")
    assert {"keep-alive", "transfer-encoding", "content-length"}.isdisjoint(call.headers)
    assert bench.host.queue.runs(LOCAL) == []
    await asyncio.to_thread(partner.tell, f"/let{path}/events")
    await call.task
    assert (call.body, call.is_whole) == (b"data: first\n\ndata: second\n\n", True)
    assert (row_of(bench)["status"], row_of(bench)["http_status"]) == ("done", 200)


@every_kind()
async def test_a_large_download_comes_whole_and_its_row_has_the_size_and_not_the_body(bench, path):
    call = await asked(bench, "GET", f"{path}/large?size={SIZE}")
    assert (len(call.body), call.is_whole, call.headers["content-length"]) == (SIZE, True, str(SIZE))
    told = streamed(bench)
    assert (told["bytes"], told["ended"], told["headers"]["content-type"]) == (SIZE, "complete", "application/zip")
    assert b"s3cret" not in row_of(bench)["output"]


@every_kind()
async def test_a_caller_who_takes_nothing_holds_the_backend_up(bench, partner, path):
    whole = 256 * 1024 * 1024
    call = Asked(bench, "GET", f"{path}/large?size={whole}", most=2)
    await call.reaches(2)
    seen = []

    async def stands_still():
        seen.append(await asyncio.to_thread(partner.told, f"{path}/large"))
        return len(seen) > 5 and len(set(seen[-5:])) == 1

    await wait_for_async(stands_still, what="a backend that waits")
    assert 0 < seen[-1] < whole / 4
    call.is_gone.set()
    await call.task


@every_kind()
async def test_a_caller_who_goes_away_frees_the_backend_and_has_a_row(bench, partner, path):
    call = Asked(bench, "GET", f"{path}/endless")
    await call.reaches(2)
    call.is_gone.set()
    await call.task
    assert (row_of(bench)["status"], streamed(bench)["ended"]) == ("done", "caller.gone")

    async def noticed():
        return await asyncio.to_thread(partner.told, f"{path}/endless") == "gone"

    await wait_for_async(noticed, what="a backend that is free")


@every_kind()
async def test_an_answer_shorter_than_it_announced_is_broken_off_and_has_failed(bench, path):
    call = await asked(bench, "GET", f"{path}/broken?size={SIZE}")
    assert (len(call.body), call.is_whole) == (SIZE // 2, False)
    assert (row_of(bench)["status"], streamed(bench)["ended"]) == ("failed", "upstream.broken_off")


@every_kind()
async def test_a_short_answer_that_breaks_off_is_a_bad_gateway(bench, path):
    call = await asked(bench, "GET", f"{path}/broken?size=1000")
    assert (call.status, call.is_whole) == (502, True)
    said = orjson.loads(call.body)
    assert (said["path"], bool(said["backend"]), bool(said["error"])) == (f"{path}/broken", True, True)


@every_kind()
async def test_a_head_tells_of_the_length_and_sends_nothing(bench, path):
    call = await asked(bench, "HEAD", f"{path}/large?size={SIZE}")
    assert (call.status, call.headers["content-length"], call.body) == (200, str(SIZE), b"")


@every_kind()
@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_no_length_either(bench, path, status):
    call = await asked(bench, "GET", f"{path}/empty?status={status}")
    assert (call.status, call.headers["etag"], call.body) == (status, '"1"', b"")
    assert {"content-length", "transfer-encoding"}.isdisjoint(call.headers)


@every_kind()
async def test_a_body_passes_up_to_the_limit_of_its_route_without_what_is_meant_for_the_connection(bench, path):
    headers = [(b"x-mark", b"1"), (b"te", b"trailers"), (b"connection", b"x-private"), (b"x-private", b"1")]
    call = await asked(bench, "POST", f"{path}/echo", body=b"x" * 1_048_576, headers=headers)
    said = orjson.loads(call.body)
    assert (said["method"], said["size"]) == ("POST", 1_048_576)
    assert "x-mark" in said["headers"]
    assert {"te", "x-private"}.isdisjoint(said["headers"])
    assert (await asked(bench, "POST", f"{path}/echo", body=b"x" * 1_048_577)).status == 413


@every_kind()
async def test_a_websocket_is_refused_with_a_reason(bench, path):
    headers = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
    call = await asked(bench, "GET", f"{path}/state", headers=headers)
    assert (call.status, orjson.loads(call.body)["code"]) == (501, "proxy.upgrade")


@every_kind(WITH_BREAKERS)
async def test_a_breaker_opens_lets_one_trial_through_and_closes_again(bench, partner, path):
    await asyncio.to_thread(partner.tell, "/set?status=500")
    states = [(await asked(bench, "GET", f"{path}/state")).status for _ in range(3)]
    bench.clock.advance(30)
    states += [(await asked(bench, "GET", f"{path}/state")).status for _ in range(2)]
    await asyncio.to_thread(partner.tell, "/set?status=200")
    bench.clock.advance(30)
    states += [(await asked(bench, "GET", f"{path}/state")).status for _ in range(2)]
    assert states == [500, 500, 503, 500, 503, 200, 200]


@every_kind()
async def test_a_backend_that_is_not_there_is_a_bad_gateway(kind):
    text = TEXT % (kind, KINDS[kind] % "http://127.0.0.1:1")
    http = OutboundHttp()
    async with Bench(compile_document(load(text).document, registry()), http=http) as bench:
        call = await asked(bench, "GET", "/x")
        assert (call.status, orjson.loads(call.body)["path"]) == (502, "/x")
    await http.close()
