"""One connection to a Redis server that a document names: the protocol (RESP2), signed in, answers in order.

Commands are sent without waiting for the answers to earlier ones, so several callers share a connection. Which
addresses may be reached is said by the guard of connections (`wire_reach.py`), for both hosts. It is no library because
those read answers of any size, and the server is somebody else's.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from apps.engine.cache_limits import LARGEST_TENANT, MOST_KEYS
from apps.engine.local.outbound import MayReach
from apps.engine.local.wire_reach import Reach
from apps.engine.outcome import StepFailed
from apps.engine.redis_address import RedisServer
from apps.engine.redis_cache import CacheAway

SECONDS = 2.0  # to connect, and for each answer
LARGEST_REPLY = LARGEST_TENANT + 1_048_576
DEEPEST_REPLY = 3
LONGEST_TOLD = 200
END = b"\r\n"
# Refusals of a server that will answer again: by their first word.
PASSING = frozenset(
    {"LOADING", "BUSY", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "OOM", "MISCONF"}
)
TROUBLE = (OSError, TimeoutError, EOFError, ValueError, asyncio.LimitOverrunError)


class RedisRefused(Exception):
    """The server's answer is an error."""

    @property
    def word(self) -> str:
        """Its first word, which says what kind it is."""
        return str(self).partition(" ")[0]


class RedisLink:
    """An open connection; made by `open`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._is_retired = False
        self.opened_at = time.monotonic()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, server: RedisServer, may_reach: MayReach) -> "RedisLink":
        """Connect and sign in; raise `CacheAway` or `StepFailed`."""
        reach = Reach(may_reach, "cache")
        try:
            async with asyncio.timeout(SECONDS):
                link = cls(*await _streams(server, reach))
        except TROUBLE as problem:
            failure = reach.failure(problem)
            if isinstance(failure, StepFailed):
                raise failure from None
            raise CacheAway(failure.message.partition(": ")[2]) from None
        try:
            if server.password:
                await link.ask("AUTH", *([server.username] if server.username else []), server.password)
            if server.database:
                await link.ask("SELECT", server.database)
        except BaseException:
            link.close()
            raise
        return link

    @property
    def is_open(self) -> bool:
        """Whether more can be asked."""
        return not self._listening.done()

    async def ask(self, *parts: Any) -> Any:
        """Send one command and return its answer; raise `CacheAway`, or `StepFailed` for a refusal that stays."""
        if not self.is_open:
            raise CacheAway("the connection is gone")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(noticed)  # whoever asked may have gone
        self._waiting.append(answer)
        self._writer.write(_command(parts))
        try:
            async with asyncio.timeout(SECONDS):
                await self._writer.drain()
                return await answer
        except RedisRefused as refusal:
            if refusal.word in PASSING:
                raise CacheAway(str(refusal)[:LONGEST_TOLD]) from None
            raise StepFailed(f"Redis refused: {str(refusal)[:LONGEST_TOLD]}", code="cache.refused") from None
        except TROUBLE as problem:
            self.close()
            raise CacheAway(str(problem) or type(problem).__name__) from None

    def retire(self) -> None:
        """Close as soon as nobody waits for an answer any more."""
        self._is_retired = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """Give the connection up, whatever it is waiting for."""
        self._listening.cancel()
        self._writer.transport.abort()
        self._fail(ConnectionError("the connection was given up"))

    async def closed(self) -> None:
        """Wait until a connection that was given up is gone."""
        with suppress(*TROUBLE):
            await self._writer.wait_closed()

    async def _listen(self) -> None:
        try:
            while True:
                answer: Any = None
                try:
                    answer = await _Reply(self._reader).read()
                except RedisRefused as refusal:
                    answer = refusal
                self._settle(answer)
                if self._is_retired and not self._waiting:
                    break
        except TROUBLE as problem:
            self._fail(problem)
        finally:
            self._writer.transport.abort()

    def _settle(self, answer: Any) -> None:
        if not self._waiting:
            raise ConnectionError("an answer to nothing")
        waiting = self._waiting.popleft()
        if waiting.done():
            return
        if isinstance(answer, RedisRefused):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    def _fail(self, problem: Exception) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(problem)


def noticed(done: "asyncio.Future[Any]") -> None:
    """Take what went wrong as told, where nobody waits for it any more."""
    if not done.cancelled():
        done.exception()


class _Reply:
    """One answer as it is read; it may weigh `LARGEST_REPLY`."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._left = LARGEST_REPLY

    async def read(self, depth: int = 0) -> Any:
        """Return it; raise `RedisRefused`, or `ValueError` where it is none."""
        line = await self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisRefused(rest.decode("utf-8", "replace"))
        number = int(rest)
        if kind == b":":
            return number
        if number < 0:
            return None
        if kind == b"$":
            self._weigh(number)
            return (await self._reader.readexactly(number + len(END)))[: -len(END)]
        if kind != b"*" or number > MOST_KEYS or depth >= DEEPEST_REPLY:
            raise ValueError("the answer is none of Redis")
        return [await self.read(depth + 1) for _ in range(number)]

    async def _line(self) -> bytes:
        line = await self._reader.readuntil(END)
        self._weigh(len(line))
        return line[: -len(END)]

    def _weigh(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError("the answer is too large")


async def _streams(server: RedisServer, reach: Reach) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    link = await reach.connected(server.host, server.port)
    context = ssl.create_default_context() if server.is_encrypted else None
    name = server.host if server.is_encrypted else None
    try:
        return await asyncio.open_connection(sock=link, ssl=context, server_hostname=name)
    except BaseException:
        with suppress(OSError):
            link.close()
        raise


def _command(parts: Sequence[Any]) -> bytes:
    texts = [part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass") for part in parts]
    sent = [b"*%d\r\n" % len(texts)]
    for text in texts:
        sent += (b"$%d\r\n" % len(text), text, END)
    return b"".join(sent)
