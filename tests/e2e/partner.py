"""The partner whom workflows tell about things: answers at once, only when told to, or with a refusal."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_WAIT_SECONDS = 60.0


class Partner:
    """An HTTP server on a loopback port; who is meant by a call stands in the body's `to`."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self._gates: dict[str, threading.Event] = {}
        self._refusals: dict[str, int] = {}
        partner = self

        class Desk(BaseHTTPRequestHandler):
            """Takes one call."""

            def do_POST(self) -> None:
                """Answer as the partner wants to."""
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = partner.take({"id": self.headers["webhook-id"], **body})
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
        self._thread = threading.Thread(target=self._server.serve_forever, name="partner")
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}/"

    def __enter__(self) -> "Partner":
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.forget()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hold(self, *names: str) -> None:
        """Let calls to these wait for their answer."""
        self._gates.update({name: threading.Event() for name in names})

    def release(self, name: str) -> None:
        """Answer the calls that wait, and those to come."""
        self._gates[name].set()

    def refuse(self, name: str, status: int) -> None:
        """Answer calls to this one with an error from now on."""
        self._refusals[name] = status

    def accept(self, name: str) -> None:
        """Take calls to this one again."""
        self._refusals.pop(name, None)

    def forget(self) -> None:
        """Drop all orders of this kind: take every call at once."""
        for gate in self._gates.values():
            gate.set()
        self._gates, self._refusals = {}, {}

    def take(self, call: dict[str, Any]) -> int:
        """Note a call and return the status of its answer."""
        self.calls.append(call)
        name = str(call.get("to", ""))
        if name in self._gates:
            self._gates[name].wait(LONGEST_WAIT_SECONDS)
        return self._refusals.get(name, 204)

    def called(self, name: str, order: str) -> list[str]:
        """Return the webhook ids of the calls to this one about an order."""
        return [call["id"] for call in self.calls if call.get("to") == name and call.get("order") == order]
