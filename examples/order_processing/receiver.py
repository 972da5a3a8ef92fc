"""The partner's end of the webhook: writes every delivery to a file, one JSON object a line.

    python3 examples/order_processing/receiver.py --port 9900 --out deliveries.jsonl

Standard library only, a process of its own. `--fail-every N` refuses each Nth call with 503 before it accepts it,
to show that a refused notification comes back with the same `webhook-id`.
"""

import argparse
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO


class Deliveries:
    """The file, written line by line under a lock so that parallel deliveries do not mix."""

    def __init__(self, target: IO[str], fail_every: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._fail_every = fail_every
        self._calls = 0

    def accept(self, webhook_id: str, body: bytes) -> bool:
        """Write one delivery; False when this call is to be refused."""
        with self._lock:
            self._calls += 1
            if self._fail_every and self._calls % self._fail_every == 0:
                return False
            line = {"webhook_id": webhook_id, "body": json.loads(body or b"null")}
            self._target.write(json.dumps(line) + "\n")
            self._target.flush()
            return True


class Receiver(BaseHTTPRequestHandler):
    """POST anything: 204 when written, 503 when refused on purpose."""

    protocol_version = "HTTP/1.1"
    deliveries: Deliveries

    def do_POST(self) -> None:
        """Take one delivery."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        accepted = self.deliveries.accept(self.headers.get("webhook-id", ""), body)
        self.send_response(204 if accepted else 503)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """Say that the receiver is up."""
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the console quiet: the file is the record."""


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9900, help="0 picks a free one; the first line printed names it")
    parser.add_argument("--out", type=Path, default=Path("deliveries.jsonl"))
    parser.add_argument("--fail-every", type=int, default=0)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("a", encoding="utf-8") as target:
        Receiver.deliveries = Deliveries(target, options.fail_every)
        server = ThreadingHTTPServer((options.host, options.port), Receiver)
        server.daemon_threads = True
        sys.stdout.write(f"listening on http://{options.host}:{server.server_port} -> {options.out}\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
