"""urllib over connections that are kept: it opens one for each request, which costs a server a fifth of a small answer.

A connection is kept for each server in each thread, whoever asks over it: cookies and keys are those of the request.
"""

import atexit
import select
import threading
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.error import URLError
from urllib.request import HTTPHandler, Request

Place = tuple[int, str]  # thread, and host with its port


class KeptConnections:
    """Connections that can be used again."""

    def __init__(self) -> None:
        self._kept: dict[Place, HTTPConnection] = {}

    def to(self, host: str, timeout: float) -> HTTPConnection:
        """Return this thread's connection to a server, anew where the server has closed it meanwhile."""
        kept = self._kept.setdefault((threading.get_ident(), host), HTTPConnection(host))
        kept.timeout = timeout
        if kept.sock is not None and _has_something_to_say(kept.sock.fileno()):
            kept.close()  # nothing was asked, so that can only be the end; the next request opens it again
        return kept

    def close(self) -> None:
        """Let go of all."""
        while self._kept:
            self._kept.popitem()[1].close()


class KeepingHandler(HTTPHandler):
    """To be given to `build_opener`, in place of the handler that closes."""

    def http_open(self, req: Request) -> HTTPResponse:
        """Send a request and return the answer with its body still to be read."""
        connection = connections.to(req.host, float(req.timeout or 0))
        try:
            connection.request(req.get_method(), req.selector, req.data, {**req.headers, **req.unredirected_hdrs})
            return _as_urllib_wants_it(connection.getresponse(), req)
        except (OSError, HTTPException) as problem:
            connection.close()
            raise URLError(str(problem)) from problem


def _has_something_to_say(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _as_urllib_wants_it(answer: Any, req: Request) -> HTTPResponse:
    answer.url, answer.msg = req.full_url, answer.reason
    found: HTTPResponse = answer
    return found


connections = KeptConnections()
atexit.register(connections.close)
