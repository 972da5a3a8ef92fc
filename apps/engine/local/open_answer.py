"""An answer from outside whose body is read as it comes, and how trouble on the way is told."""

import asyncio
from collections.abc import AsyncIterator

import httpcore2

from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply

MISHAPS = (TimeoutError, httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError)


class OpenAnswer:
    """`OpenReply` over one connection, which takes in no more than its reader asks for."""

    def __init__(self, answer: httpcore2.Response, ends: float, seconds: float, largest: int) -> None:
        self.status = answer.status
        self.lines = lines_of(answer)
        self.headers = dict(self.lines)
        self._answer = answer
        self._ends = ends
        self._seconds = seconds
        self._largest = largest
        self._loop = asyncio.get_running_loop()
        self._is_closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the body as it comes; raise `TryAgain` when the other side breaks off."""
        try:
            async for chunk in self._answer.aiter_stream():
                yield chunk
        except MISHAPS as error:
            raise TryAgain(f"{type(error).__name__}: {error}", code="http.broken_off") from None

    async def whole(self) -> HttpReply:
        """Read the body within the time that the exchange was given, up to the largest size of a reply."""
        received = bytearray()
        try:
            async with asyncio.timeout_at(self._ends):
                async for chunk in self._answer.aiter_stream():
                    received += chunk
                    if len(received) > self._largest:
                        raise too_large(self._largest)
        except MISHAPS as error:
            raise unreachable(error, self._seconds) from None
        finally:
            await self.close()
        return HttpReply(self.status, self.headers, bytes(received), self.lines)

    async def close(self) -> None:
        """Give the connection up, or back when everything was read."""
        if not self._is_closed:
            self._is_closed = True
            await self._answer.aclose()

    def __del__(self) -> None:
        if not self._is_closed and not self._loop.is_closed():
            self._loop.create_task(self._answer.aclose())


def lines_of(answer: httpcore2.Response) -> tuple[tuple[str, str], ...]:
    """Return the headers in order, names in lower case."""
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers)


def unreachable(error: Exception, seconds: float) -> TryAgain:
    """Say why there was no answer."""
    if isinstance(error, TimeoutError):
        return TryAgain(f"No answer within {seconds:g} s.", code="http.unreachable")
    return TryAgain(f"{type(error).__name__}: {error}", code="http.unreachable")


def too_large(most: int) -> StepFailed:
    """Refuse a reply beyond the largest size."""
    return StepFailed(f"The reply is larger than {most} bytes.", code="http.reply_too_large")
