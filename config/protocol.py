"""uvicorn's HTTP protocol with one more way to answer: head and body in one write.

ASGI sends an answer in two messages, and uvicorn makes a system call of each. An application that has a whole answer
in hand may call `scope["extensions"]["weft.answer"](status, head, body)` instead, which costs one. `head` is header
lines as they go over the wire, each ended by CR LF and known to be well-formed. It returns False when the answer has
to go the ordinary way: the client is slow to read, or something was sent already.
"""

from functools import partial
from typing import Any
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

EXTENSION = "weft.answer"
CLOSE = b"connection: close\r\n"


class WholeAnswers(HttpToolsProtocol):
    """Puts the extension into every scope."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # By a weak reference: a cycle of references for each request would be left to the collector.
        extensions: Any = {EXTENSION: partial(answer, ref(cycle))}
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


_OURS: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")


def _ours(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the server's own lines; it makes a new list of them once a second, for the date."""
    global _OURS  # noqa: PLW0603 - one value for all connections of the process
    if _OURS[0] is not headers:
        _OURS = (headers, b"".join([b"%b: %b\r\n" % pair for pair in headers]))
    return _OURS[1]
