"""A partner's server on loopback: it answers as a test tells it to and keeps what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.serving_thread import in_a_thread


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; header names are lower case, `lines` has repeated ones too."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """One answer; a body that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        """Return the body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Script:
    """Answers by `METHOD /path`, each used once and the last one for good; what is not in it gets an empty object."""

    answers: dict[str, list[Said]] = field(default_factory=dict)

    def say(self, call: str, *answers: Said) -> None:
        """Set the answers to `METHOD /path`."""
        self.answers[call] = list(answers)

    def next(self, method: str, path: str) -> Said:
        """Return what is to be answered now."""
        found = self.answers.get(f"{method} {path.partition('?')[0]}", [Said(200, {})])
        return found.pop(0) if len(found) > 1 else found[0]


class Upstream(ThreadingHTTPServer):
    """Listens on a port of its own; `calls` holds what it was asked, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.script = Script()
        self.calls: list[Asked] = []
        self.address = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.address}"

    def say(self, call: str, *answers: Said) -> None:
        """Set the answers to `METHOD /path`."""
        self.script.say(call, *answers)

    def asked(self, call: str) -> list[Asked]:
        """Return the requests of `METHOD /path`."""
        return [each for each in self.calls if f"{each.method} {each.path.partition('?')[0]}" == call]


class _Answer(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Upstream
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.calls.append(Asked(self.command, self.path, headers, body))
        said = self.server.script.next(self.command, self.path)
        self.send_response(said.status)
        for name, value in (("Content-Type", "application/json"), *said.headers):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.content)))
        self.end_headers()
        with suppress(ConnectionError):  # a caller may have had enough
            self.wfile.write(b"" if self.command == "HEAD" else said.content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def upstream() -> Iterator[Upstream]:
    """Open a server."""
    with in_a_thread(Upstream()) as server:
        yield server
