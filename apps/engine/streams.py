"""Answers whose body comes from elsewhere while it is being sent: proxies' (spec/modules.md 3.2, 3.6).

A chunk is asked for when the caller has taken the one before, so a slow caller slows the other side down and nothing
piles up here. `Limits` bounds them; there is no setting of a tenant for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from apps.engine.http import Response
from apps.engine.outcome import TryAgain
from apps.engine.ports import OpenReply

COMPLETE = "complete"
GONE = "caller.gone"
SLOW = "caller.slow"
BROKEN_OFF = "upstream.broken_off"
SILENT = "upstream.silent"
TOO_LONG = "stream.too_long"
TOO_LARGE = "stream.too_large"
STOPPED = "server.stopped"
REFUSED = "stream.refused"
WELL = frozenset({COMPLETE, GONE})  # nothing failed on this side, nor on the other

UNKEPT = frozenset({b"set-cookie", b"authorization", b"www-authenticate", b"location"})  # may let somebody in
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, in seconds, and how large, in bytes, an answer may be that is passed on as it comes."""

    silent: float = 60.0  # the other side may say nothing for so long
    slow: float = 60.0  # the caller may take so long over one chunk
    longest: float = 3600.0
    largest: int = 1024**3


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Passage:
    """How the body of an answer went through: its size so far, and why it ended."""

    size: int
    ended: str

    @property
    def has_failed(self) -> bool:
        """Whether somebody other than the caller broke it off."""
        return self.ended not in WELL


Finish = Callable[[Passage], Awaitable[None]]


class StreamedResponse(Response):
    """An answer whose body is `source`; `body` is empty until `end`, then it says what is kept of the answer.

    A host sends it with `pass_on`; it sets `finish` to be called once when the body has gone through, or has not.
    """

    __slots__ = ("_is_over", "finish", "length", "source")

    def __init__(
        self,
        source: OpenReply,
        content_type: bytes,
        headers: list[tuple[bytes, bytes]],
        length: int | None = None,
    ) -> None:
        super().__init__(source.status, b"", content_type, headers)
        self.source = source
        self.length = length  # what the other side announced
        self.finish: Finish | None = None
        self._is_over = False

    async def end(self, passage: Passage) -> None:
        """Close the source and let the host write down how it ended; a fault there is no longer the caller's."""
        if self._is_over:
            return
        self._is_over = True
        await self.source.close()
        self.body = summary(self, passage)
        finish, self.finish = self.finish, None  # it holds this answer, and a cycle would be left to the collector
        if finish is not None:
            try:
                await finish(passage)
            except Exception:
                log.exception("what became of a streamed answer could not be written")


async def collected(response: Response) -> Response:
    """Return a streamed answer with its whole body, for those who need all of it; raises as `whole` does."""
    if not isinstance(response, StreamedResponse):
        return response
    reply = await response.source.whole()
    return Response(response.status, reply.body, response.content_type, response.headers)


def summary(response: StreamedResponse, passage: Passage) -> bytes:
    """Return what a run's row says in place of the body; nothing of the content."""
    pairs = [(b"content-type", response.content_type), *response.headers]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs if name.lower() not in UNKEPT}
    return orjson.dumps({"streamed": {"bytes": passage.size, "ended": passage.ended, "headers": headers}})


async def pass_on(
    response: StreamedResponse,
    method: str,
    headers: Iterable[tuple[bytes, bytes]],
    receive: Receive,
    send: Send,
    limits: Limits = LIMITS,
) -> Passage:
    """Send an answer with these headers, chunk by chunk; return when it is over and has been written down.

    An answer that is not complete has no last message: its server must break the connection off.
    """
    passage = Passage(0, STOPPED)
    try:
        if method == "HEAD":
            await response.source.close()
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            passage = Passage(0, COMPLETE)
        else:
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            passage = await _pumped(response.source, receive, send, limits)
    finally:
        await response.end(passage)
    if passage.ended == COMPLETE:
        await send({"type": "http.response.body", "body": b""})
    return passage


async def _pumped(source: OpenReply, receive: Receive, send: Send, limits: Limits) -> Passage:
    pump = _Pump(source, send, limits)
    moving = asyncio.ensure_future(pump.move())
    gone = asyncio.ensure_future(_hung_up(receive))
    try:
        await asyncio.wait({moving, gone}, timeout=limits.longest, return_when=asyncio.FIRST_COMPLETED)
        if moving.done():
            return Passage(pump.size, moving.result())
        return Passage(pump.size, GONE if gone.done() else TOO_LONG)
    finally:
        moving.cancel()
        gone.cancel()
        await asyncio.gather(moving, gone, return_exceptions=True)


class _Pump:
    """Moves chunks from the source to the caller."""

    def __init__(self, source: OpenReply, send: Send, limits: Limits) -> None:
        self._source = source
        self._send = send
        self._limits = limits
        self.size = 0

    async def move(self) -> str:
        """Move everything and say how it ended."""
        chunks = self._source.chunks()
        while True:
            try:
                async with asyncio.timeout(self._limits.silent):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                return SILENT
            except TryAgain:
                return BROKEN_OFF
            if chunk is None:
                return COMPLETE
            if self.size + len(chunk) > self._limits.largest:
                return TOO_LARGE
            try:
                if chunk:
                    await self._take(chunk)
            except TimeoutError:
                return SLOW
            except OSError:
                return GONE

    async def _take(self, chunk: bytes) -> None:
        async with asyncio.timeout(self._limits.slow):
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        self.size += len(chunk)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)
