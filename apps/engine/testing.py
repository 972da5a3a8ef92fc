"""What tests and simulations put in the place of the world: a clock to move, a network that remembers, a host."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from apps.engine.application import Application
from apps.engine.local.host import LOCAL, LocalHost
from apps.engine.local.outside import EnvironmentSecrets
from apps.engine.outcome import TryAgain
from apps.engine.ports import Http, HttpReply
from apps.engine.wires import Wire, WireMessage, Wires

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
MOST_JUMPS = 10_000


class FakeClock:
    """A clock that stands still until it is told to move; chance comes from a seed."""

    def __init__(self, start: datetime = EPOCH, seed: int = 0) -> None:
        self._now = start
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    def random(self) -> float:
        """Return the next number of the seed."""
        return self._chance.random()

    def monotonic(self) -> float:
        """Return seconds since the epoch of the tests."""
        return (self._now - EPOCH).total_seconds()

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += timedelta(seconds=seconds)

    def jump_to(self, moment: datetime) -> None:
        """Move on to `moment`, never back."""
        self._now = max(self._now, moment)


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange as the other side saw it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    public_only: bool = False

    def json(self) -> Any:
        """Return the decoded body."""
        return orjson.loads(self.body)


Reply = HttpReply | Exception | Callable[[Call], HttpReply]


@dataclass(slots=True)
class FakeHttp:
    """Answers from a script, then 200 with an empty object; remembers every call."""

    script: list[Reply] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def answer(self, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        """Add an answer to the script."""
        self.script.append(HttpReply(status, dict(headers or {}), b"" if body is None else orjson.dumps(body)))

    def unreachable(self) -> None:
        """Add a call that nobody answers."""
        self.script.append(TryAgain("nobody answers", code="http.unreachable"))

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
        redirects: bool = True,
        public_only: bool = False,
        host: str = "",
    ) -> HttpReply:
        """Remember the call and give the next answer."""
        call = Call(method, url, dict(headers or {}), body, public_only)
        self.calls.append(call)
        reply = self.script.pop(0) if self.script else HttpReply(200, {}, b"{}")
        if isinstance(reply, Exception):
            raise reply
        return reply(call) if callable(reply) else reply

    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
        host: str = "",
    ) -> "FakeOpenReply":
        """As `request`; the body is one chunk."""
        return FakeOpenReply(await self.request(method, url, headers=headers, body=body, timeout=timeout, host=host))


class FakeOpenReply:
    """An answer that is read as it comes, all at once."""

    def __init__(self, reply: HttpReply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.lines = reply.lines
        self._reply = reply

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the body."""
        yield self._reply.body

    async def whole(self) -> HttpReply:
        """Return the answer."""
        return self._reply

    async def close(self) -> None:
        """Nothing is open."""


class FakeWires:
    """Brokers in memory: they remember what was sent, by topic, and deliver what a test brings.

    `script` holds what goes wrong next; `lines` are the open lines.
    """

    def __init__(self) -> None:
        self.script: list[Exception] = []
        self.sent: list[tuple[Wire, WireMessage]] = []
        self.lines: list[FakeLine] = []

    async def publish(self, wire: Wire, message: WireMessage, *, timeout: float = 30.0) -> dict[str, Any]:
        """Remember the message."""
        self._go_wrong()
        self.sent.append((wire, message))
        return {"topic": message.topic}

    async def check(self, wire: Wire, *, timeout: float = 5.0) -> None:
        """Answer."""
        self._go_wrong()

    @asynccontextmanager
    async def listen(self, wire: Wire, topics: Sequence[str], *, group: str) -> AsyncIterator["FakeLine"]:
        """Open a line that tests put messages on."""
        self._go_wrong()
        line = FakeLine(wire, tuple(topics), group)
        self.lines.append(line)
        try:
            yield line
        finally:
            self.lines.remove(line)

    def _go_wrong(self) -> None:
        if self.script:
            raise self.script.pop(0)


@dataclass
class FakeLine:
    """An open line."""

    wire: Wire
    topics: tuple[str, ...]
    group: str
    waiting: asyncio.Queue[list[WireMessage]] = field(default_factory=asyncio.Queue)
    settled: int = 0

    async def receive(self) -> list[WireMessage]:
        """Wait for the next messages of the test."""
        return await self.waiting.get()

    async def settle(self) -> None:
        """Count."""
        self.settled += 1
        self.waiting.task_done()


class Bench:
    """A host in memory with a clock and a network of its own, `http` where a test brings a real one."""

    def __init__(
        self,
        application: Application | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        path: str = ":memory:",
        http: Http | None = None,
        wires: Wires | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.http = FakeHttp()
        self.wires = FakeWires()
        self.host = LocalHost(
            path,
            clock=self.clock,
            http=http or self.http,
            wires=wires or self.wires,
            secrets=EnvironmentSecrets(secrets or {}),
            lock_seconds=0.2,
        )
        if application is not None:
            self.host.deploy(application)

    async def settle(self) -> None:
        """Let everything happen that will: drive what is due, move the clock to what is next, until nothing waits."""
        for _ in range(MOST_JUMPS):
            await self.host.drain()
            following = self.host.queue.next_time()
            if following is None:
                return
            self.clock.jump_to(following)
        raise RuntimeError("the runs do not come to an end")

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        scope: str = LOCAL,
    ) -> "Answer":
        """Send one request through the ASGI door."""
        return await call_asgi(self.host.asgi(scope), method, path, body=body, headers=headers)

    async def __aenter__(self) -> "Bench":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.host.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from an ASGI application."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return orjson.loads(self.body)


async def call_asgi(
    app: Any,
    method: str,
    target: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    client: str = "127.0.0.1",
) -> Answer:
    """Send one request to an ASGI application; a body that is not bytes goes as JSON."""
    path, _, query = target.partition("?")
    content = body if isinstance(body, bytes) else (b"" if body is None else orjson.dumps(body))
    sent = {"host": "testserver", "content-length": str(len(content))}
    if content and not isinstance(body, bytes):
        sent["content-type"] = "application/json"
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
        "client": (client, 1234),
    }
    messages: list[dict[str, Any]] = []
    given = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        message: dict[str, Any] = given.pop() if given else await asyncio.Future()  # it does not hang up
        return message

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    names = {name.decode(): value.decode("latin-1") for name, value in messages[0]["headers"]}
    return Answer(messages[0]["status"], names, b"".join(message.get("body", b"") for message in messages[1:]))
