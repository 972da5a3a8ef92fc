"""A partner's address that answers with all it was sent: what a careless one would show in its errors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.serving_thread import in_a_thread


class _Answer(BaseHTTPRequestHandler):
    """Answers one call: 401 at `/refuse`, else 200."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
        said = {
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body,
        }
        content = json.dumps({"message": f"You sent {json.dumps(said)}", **said}).encode()
        self.send_response(401 if self.path.startswith("/refuse") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Sent", self.headers.get("authorization", ""))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def echoing() -> Iterator[str]:
    """Open the partner and return its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.daemon_threads = True
    with in_a_thread(server):
        yield f"127.0.0.1:{server.server_port}"
