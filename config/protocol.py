"""uvicorn's HTTP protocol with shortcuts for what ASGI has no words for, all in `scope["extensions"]`.

ASGI sends an answer in two messages, and uvicorn makes a system call of each. An application that has a whole answer
in hand may call `weft.answer(status, head, body)` instead, which costs one. `head` is header lines as they go over the
wire, each ended by CR LF and known to be well-formed. It returns False when the answer has to go the ordinary way: the
client is slow to read, or something was sent already.

A body that is whole before the application asks, as small ones are, needs no waiting: `weft.body()` returns it, or None
when it has to be received.

An answer that can no longer become whole is ended by `weft.abort()`: the connection goes down, so that the caller
does not take what it has for all there is.

An application may have a plain method `begin(scope, receive, send)`, which does what can be done without waiting and
returns what is left to be awaited, or None. It is called in place of the application as soon as the request is there,
and a task is made for what is left only: a small request has no task at all.

A connection that is idle is closed by one timer that looks again when there were requests in the meantime; uvicorn
makes and cancels one for each request.
"""

from contextvars import copy_context
from functools import partial
from typing import Any
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

ANSWER = "weft.answer"
BODY = "weft.body"
ABORT = "weft.abort"
CLOSE = b"connection: close\r\n"


class Shortcuts(HttpToolsProtocol):
    """Puts the extensions into every scope, and lets an application begin at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begin: Any = getattr(self.app, "begin", None)
        self._arrived: RequestResponseCycle | None = None  # to be begun once what was received has been read
        self._idle_since: float | None = None

    def data_received(self, data: bytes) -> None:
        """Read what came, then begin the request that came with it."""
        super().data_received(data)
        cycle, self._arrived = self._arrived, None
        if cycle is not None:
            self._begin_now(cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what is still to be done here."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._begin is None or app is not self.app:
            self._make_task(cycle, app)
        else:
            self._arrived = cycle

    def _make_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        _extend(cycle)
        super()._start_asgi_task(cycle, app)

    def _begin_now(self, cycle: RequestResponseCycle) -> None:
        _extend(cycle)
        try:
            # What a request sets in its context is not for the next one on the connection.
            rest = copy_context().run(self._begin, cycle.scope, cycle.receive, cycle.send)
        except Exception as problem:
            rest = _raised(problem)
        if rest is None:
            cycle.on_response = _nothing
        else:
            super()._start_asgi_task(cycle, lambda scope, receive, send: rest)

    def on_response_complete(self) -> None:
        """Go on with what was sent ahead, or begin to count the idle time."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._make_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_in(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection when it has been idle for long enough, else look again."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_in(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None


def _extend(cycle: RequestResponseCycle) -> None:
    # By a weak reference: a cycle of references for each request would be left to the collector.
    of = ref(cycle)
    extensions: Any = {ANSWER: partial(answer, of), BODY: partial(body, of), ABORT: partial(abort, of)}
    cycle.scope["extensions"] = extensions


async def _raised(problem: Exception) -> None:
    raise problem


def _nothing() -> None:
    return None


def answer(of: "ref[RequestResponseCycle]", status: int, head: bytes, body: bytes) -> bool:
    """Write a whole answer and end the cycle, as two calls of `cycle.send` would."""
    cycle = of()
    if cycle is None or cycle.disconnected:
        return True
    if cycle.flow.write_paused or cycle.response_started:
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    close = b"" if cycle.keep_alive else CLOSE
    cycle.transport.write(b"".join((STATUS_LINE[status], _ours(cycle.default_headers), head, close, b"\r\n", body)))
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


def body(of: "ref[RequestResponseCycle]") -> bytes | None:
    """Take the whole body, as one call of `cycle.receive` would; None when there is more to come."""
    cycle = of()
    if cycle is None or cycle.more_body or cycle.disconnected or cycle.response_complete:
        return None
    cycle.flow.resume_reading()
    cycle.message_event.clear()
    taken = bytes(cycle.body)
    cycle.body = bytearray()
    return taken


def abort(of: "ref[RequestResponseCycle]") -> None:
    """Break the connection off; what was sent already still goes out, unless the client takes nothing."""
    cycle = of()
    if cycle is None or cycle.disconnected or cycle.response_complete:
        return
    cycle.disconnected = True
    if cycle.flow.write_paused:
        cycle.transport.abort()
    else:
        cycle.transport.close()


_OURS: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")


def _ours(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the server's own lines; it makes a new list of them once a second, for the date."""
    global _OURS  # noqa: PLW0603 - one value for all connections of the process
    if _OURS[0] is not headers:
        _OURS = (headers, b"".join([b"%b: %b\r\n" % pair for pair in headers]))
    return _OURS[1]
