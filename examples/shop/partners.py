"""The shop's partners in one small process: a bank that takes and returns money, and a carrier that takes parcels.

    python3 examples/shop/partners.py --port 9910

Standard library only. The bank declines the card `tok-empty`; the carrier goes everywhere but to what `--refuse` names
(Atlantis, unless it is said). Both know their partners' repeats: a payment by its `idempotency-key`, a refund by its
`webhook-id`, a parcel by its address. `GET /book` tells what they have taken.

| Call | Answer |
|---|---|
| POST /payments `{orderId, amount, card}` | 200 `{status: approved or declined, paymentId}` |
| POST /refunds `{orderId, amount, paymentId}` | 200 `{refundId}`, null when nothing was paid for the order |
| PUT /parcels/<order> `{destination}` | 200 `{trackingNumber}`, 422 when no carrier goes there |
"""

import argparse
import json
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EMPTY_CARD = "tok-empty"
NOWHERE = "Atlantis"
LONGEST_BODY = 64 * 1024
Answer = tuple[int, dict[str, Any]]


class Book:
    """What bank and carrier have taken, each entry once: payments, refunds and parcels by the key of their sender."""

    def __init__(self, refused: Collection[str] = (NOWHERE,)) -> None:
        self._refused = frozenset(refused)
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, dict[str, Any]]] = {"payments": {}, "refunds": {}, "parcels": {}}

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return all entries, oldest first."""
        with self._lock:
            return {kind: list(entries.values()) for kind, entries in self._entries.items()}

    def pay(self, key: str, asked: dict[str, Any]) -> Answer:
        """Take a payment, or decline it; a declined one is no entry."""
        if asked.get("card") == EMPTY_CARD:
            return 200, {"status": "declined", "paymentId": None}
        return 200, {"status": "approved", "paymentId": self._enter("payments", key, asked)["id"]}

    def refund(self, key: str, asked: dict[str, Any]) -> Answer:
        """Give money back, if any was taken for the order."""
        with self._lock:
            is_paid = any(taken.get("orderId") == asked.get("orderId") for taken in self._entries["payments"].values())
        return 200, {"refundId": self._enter("refunds", key, asked)["id"] if is_paid else None}

    def carry(self, order: str, asked: dict[str, Any]) -> Answer:
        """Take a parcel, or not."""
        if asked.get("destination") in self._refused:
            return 422, {"error": f"We do not go to {asked['destination']}."}
        return 200, {"trackingNumber": self._enter("parcels", order, {**asked, "orderId": order})["id"]}

    def _enter(self, kind: str, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            entries = self._entries[kind]
            new = {"id": f"{kind[:3].upper()}-{len(entries) + 1:04}", **asked}
            return entries.setdefault(key, new)


class Desk(BaseHTTPRequestHandler):
    """The partners' door."""

    protocol_version = "HTTP/1.1"
    book: Book

    def do_GET(self) -> None:
        """Show the book."""
        self._answer((200, self.book.as_dict()) if self.path == "/book" else (404, {}))

    def do_POST(self) -> None:
        """Take or return money."""
        asked = self._read()
        if asked is None:
            return self._answer((400, {}))
        match self.path:
            case "/payments":
                self._answer(self.book.pay(self.headers.get("idempotency-key", ""), asked))
            case "/refunds":
                self._answer(self.book.refund(self.headers.get("webhook-id", ""), asked))
            case _:
                self._answer((404, {}))

    def do_PUT(self) -> None:
        """Take a parcel."""
        asked = self._read()
        folder, _, order = self.path.rpartition("/")
        known = asked is not None and folder == "/parcels" and order
        self._answer(self.book.carry(order, asked or {}) if known else (404, {}))

    def _read(self) -> dict[str, Any] | None:
        size = int(self.headers.get("content-length") or 0)
        if size > LONGEST_BODY:
            return None
        try:
            found = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _answer(self, answer: Answer) -> None:
        status, said = answer
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the console quiet: the book is the record."""


def make_server(host: str, port: int, book: Book) -> ThreadingHTTPServer:
    """Return the partners, ready to serve and to write into `book`; port 0 takes a free one."""
    desk = type("DeskOfOneBook", (Desk,), {"book": book})
    server = ThreadingHTTPServer((host, port), desk)
    server.daemon_threads = True
    return server


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9910, help="0 picks a free one; the first line printed names it")
    parser.add_argument("--refuse", action="append", metavar="DESTINATION", help="where the carrier does not go")
    options = parser.parse_args()
    server = make_server(options.host, options.port, Book(options.refuse or [NOWHERE]))
    sys.stdout.write(f"bank and carrier listen on http://{options.host}:{server.server_port}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
