"""A partner's address that keeps the headers of what it was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.serving_thread import in_a_thread


class Receiver(ThreadingHTTPServer):
    """Takes every call; `calls` holds their headers, names in lower case."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.calls: list[dict[str, str]] = []
        self.address = f"127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """Takes one call."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the headers and accept."""
        self.rfile.read(int(self.headers["content-length"]))
        self.server.calls.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Open a receiver."""
    with in_a_thread(Receiver()) as server:
        yield server
