"""The shortcuts for whole answers and bodies are, to the client, what the ASGI messages would have been."""

import asyncio
import contextlib
import gc
from contextvars import ContextVar

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from config.protocol import ABORT, ANSWER, Shortcuts
from config.protocol import BODY as WHOLE_BODY

BODY = b'{"ok":true}'
HEAD = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(BODY)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
MUCH = b"x" * 3_000_000
pytestmark = pytest.mark.spec("SPINE-6", "SPINE-B5")


async def whole_or_in_parts(scope, receive, send):
    """Answer as the path says: `/whole`, `/parts`, `/much` (more than a socket holds), `/body`, `/half`."""
    path = scope["path"]
    if path == "/body":
        await send_back(scope, receive, send)
        return
    if path == "/half":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        scope["extensions"][ABORT]()
        return
    whole = scope["extensions"][ANSWER]
    body = b"" if scope["method"] == "HEAD" else BODY
    if path == "/much":
        went = [whole(200, b"content-length: %d\r\n" % len(MUCH), MUCH)]
        assert went == [True]
    elif path == "/parts" or not whole(200, HEAD, body):
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        assert whole(200, HEAD, body) is False
        await send({"type": "http.response.body", "body": body})


async def send_back(scope, receive, send):
    """Answer with the body and how it was taken."""
    found = scope["extensions"][WHOLE_BODY]()
    how = b"whole " if found is not None else b"received "
    more = found is None
    while more:
        message = await receive()
        found, more = (found or b"") + message["body"], message["more_body"]
    content = how + found
    scope["extensions"][ANSWER](200, b"content-length: %d\r\n" % len(content), content)


class AtOnce:
    """An application that begins by itself; `/at-once` needs no waiting, `/fault` fails, anything else is awaited."""

    def __init__(self):
        self.tasks = []

    def begin(self, scope, receive, send):
        if scope["path"] == "/fault":
            raise RuntimeError("a fault of the application")
        if scope["path"] != "/at-once":
            return self(scope, receive, send)
        self.note()
        scope["extensions"][ANSWER](200, HEAD, BODY)
        return None

    async def __call__(self, scope, receive, send):
        self.note()
        scope["extensions"][ANSWER](200, HEAD, BODY)

    def note(self):
        """Write down whether there is a task of the request's own, and what the last request left in the context."""
        self.tasks.append((asyncio.current_task() is not None, SEEN.get()))
        SEEN.set("left")


SEEN = ContextVar("SEEN", default="")


@contextlib.asynccontextmanager
async def served(app, **options):
    config = uvicorn.Config(
        app,
        port=0,
        http=Shortcuts,
        loop="asyncio",
        proxy_headers=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        **options,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


@pytest.fixture
async def port():
    async with served(whole_or_in_parts) as found:
        yield found


async def talk(port, sent):
    """Send bytes and return everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    found = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return found


def request(path, *, method="GET", close=True, extra=""):
    last = "connection: close\r\n" if close else ""
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\n{extra}{last}\r\n".encode()


def without_date(answer):
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.startswith((b"date:", b"server:")))


async def test_a_whole_answer_is_byte_for_byte_the_one_sent_in_parts(port):
    whole, parts = await talk(port, request("/whole")), await talk(port, request("/parts"))
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in whole
    assert whole.endswith(b"\r\n\r\n" + BODY)
    assert without_date(whole) == without_date(parts)


async def test_the_head_of_a_whole_answer_has_the_length_and_no_body(port):
    answer = await talk(port, request("/whole", method="HEAD"))
    assert b"content-length: 11" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_body_that_came_with_its_head_is_taken_at_once_and_one_that_follows_is_received(port):
    head = request("/body", method="POST", close=False, extra="content-length: 5\r\n")
    assert (await talk(port, head + b"hello" + request("/whole"))).count(b"whole hello") == 1
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    await asyncio.sleep(0.05)
    writer.write(b"hello" + request("/whole"))
    answers = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert (answers.count(b"received hello"), answers.count(BODY)) == (1, 1)


async def test_a_connection_is_kept_and_requests_sent_ahead_are_answered_in_order(port):
    sent = request("/whole", close=False) + request("/parts", close=False) + request("/whole")
    answers = await talk(port, sent)
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(BODY) == 3
    assert answers.count(b"connection: close") == 1


async def test_an_answer_larger_than_the_socket_holds_arrives_complete(port):
    answers = await talk(port, request("/much", close=False) + request("/whole"))
    assert answers.count(b"x" * 1000) == len(MUCH) // 1000
    assert answers.endswith(BODY)


async def test_a_client_that_asks_before_it_sends_its_body_gets_the_answer_at_once(port):
    extra = "expect: 100-continue\r\ncontent-length: 5\r\n"
    answer = await talk(port, request("/whole", method="POST", extra=extra))
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("path", ["/whole", "/parts"])
async def test_requests_leave_nothing_for_the_collector(port, path):
    await talk(port, request(path, close=False) * 200 + request(path))  # until coverage has taken its probes out
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        answers = await talk(port, request(path, close=False) * 50 + request(path))
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, RequestResponseCycle)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert (answers.count(BODY), left) == (51, [])


async def test_an_answer_that_is_broken_off_has_no_end(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /half HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert (await reader.read()).endswith(b"\r\n\r\n4\r\nhalf\r\n")
    writer.close()
    await writer.wait_closed()


async def test_a_request_that_needs_no_waiting_has_no_task_and_leaves_no_context_to_the_next():
    app = AtOnce()
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in ("/at-once", "/at-once", "/awaited", "/at-once"):
            writer.write(request(path, close=False))
            assert (await reader.readuntil(BODY)).startswith(b"HTTP/1.1 200 OK")
        writer.close()
        await writer.wait_closed()
    assert app.tasks == [(False, ""), (False, ""), (True, ""), (False, "")]


async def test_requests_sent_ahead_to_an_application_that_begins_by_itself_are_answered_in_order():
    async with served(AtOnce()) as port:
        answers = await talk(port, request("/at-once", close=False) * 3000 + request("/awaited"))
    assert answers.count(BODY) == 3001
    assert answers.endswith(BODY)


async def test_a_fault_before_anything_is_awaited_is_a_500():
    async with served(AtOnce()) as port:
        assert (await talk(port, request("/fault"))).startswith(b"HTTP/1.1 500 ")


async def test_a_connection_is_closed_once_it_has_been_idle_and_not_while_it_is_used():
    async with served(whole_or_in_parts, timeout_keep_alive=1) as port:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = loop.time()
        while loop.time() < began + 1.5:
            writer.write(request("/whole", close=False))
            await reader.readuntil(BODY)
            await asyncio.sleep(0.3)
        last = loop.time() - 0.3
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert loop.time() - last >= 0.9
        writer.close()
        await writer.wait_closed()
