"""A receiver that keeps the contract of Slack's incoming webhooks, on loopback: what it takes and how it refuses.

Its answers are those of https://api.slack.com/messaging/webhooks: `ok`, or a status and one word in plain text.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.serving_thread import in_a_thread

KNOWN = {"text", "blocks", "attachments", "channel", "username", "icon_emoji", "icon_url", "thread_ts", "mrkdwn"}
HOOK = "/services/T000/B000/secret"
PAUSE_SECONDS = 30


class Slack(ThreadingHTTPServer):
    """`posted` holds the messages that were taken, in order; `channels` are those that are there."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.url = f"http://127.0.0.1:{self.server_port}{HOOK}"
        self.posted: list[dict[str, Any]] = []
        self.channels = {"#ops"}
        self.busy = 0  # requests that are still answered with 429

    def answer_to(self, path: str, content_type: str, body: bytes) -> tuple[int, str]:
        """Return status and word; a message that is good is kept."""
        if path != HOOK:
            return 403, "invalid_token"
        if self.busy:
            self.busy -= 1
            return 429, "rate_limited"
        try:
            message = json.loads(body) if content_type.partition(";")[0] == "application/json" else None
        except ValueError:
            message = None
        if not isinstance(message, dict) or not message.keys() <= KNOWN:
            return 400, "invalid_payload"
        if not isinstance(message.get("text", ""), str) or not message.get("text"):
            return 400, "no_text"
        if message.get("channel", "#ops") not in self.channels:
            return 404, "channel_not_found"
        self.posted.append(message)
        return 200, "ok"


class _Hook(BaseHTTPRequestHandler):
    server: Slack

    def do_POST(self) -> None:
        """Answer as Slack does."""
        body = self.rfile.read(int(self.headers["content-length"]))
        status, word = self.server.answer_to(self.path, self.headers.get("content-type", ""), body)
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", str(PAUSE_SECONDS))
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(word.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def slack() -> Iterator[Slack]:
    """Open a receiver."""
    with in_a_thread(Slack()) as server:
        yield server
