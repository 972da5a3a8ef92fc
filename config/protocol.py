"""uvicorn's HTTP protocol with shortcuts for what ASGI has no words for, all in `scope["extensions"]`.

ASGI sends an answer in two messages, and uvicorn makes a system call of each. An application that has a whole answer
in hand may call `weft.answer(status, head, body)` instead, which costs one. `head` is header lines as they go over the
wire, each ended by CR LF and known to be well-formed. It returns False when the answer has to go the ordinary way: the
client is slow to read, or something was sent already.

A body that is whole before the application asks, as small ones are, needs no waiting: `weft.body()` returns it, or None
when it has to be received.

An answer that can no longer become whole is ended by `weft.abort()`: the connection goes down, so that the caller
does not take what it has for all there is.
"""

from functools import partial
from typing import Any
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

ANSWER = "weft.answer"
BODY = "weft.body"
ABORT = "weft.abort"
CLOSE = b"connection: close\r\n"


class Shortcuts(HttpToolsProtocol):
    """Puts the extensions into every scope."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # By a weak reference: a cycle of references for each request would be left to the collector.
        of = ref(cycle)
        extensions: Any = {ANSWER: partial(answer, of), BODY: partial(body, of), ABORT: partial(abort, of)}
        cycle.scope["extensions"] = extensions
        super()._start_asgi_task(cycle, app)


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
    cycle.transport.write(b"%b%b%b%b\r\n%b" % (STATUS_LINE[status], _ours(cycle.default_headers), head, close, body))
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
