"""One person's browser window, watched: what it complains about, which documents it asks for, and whom it calls."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebSocket

from tests.e2e.live import Frames

COMPLAINTS = frozenset({"error", "warning"})
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
NOT_CALLS = frozenset({"data", "blob", "about"})


class Visit:
    """A page of its own in a context of its own."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.documents: list[str] = []
        self.elsewhere: list[str] = []
        self.sockets: list[Frames] = []
        self._expected: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._request)
        self.page.on("websocket", self._socket)

    def expect_complaint(self, pattern: str) -> None:
        """Take a complaint that fits for granted, because the test provokes it."""
        self._expected.append(pattern)

    def troubles(self) -> list[str]:
        """Return what went wrong without being provoked."""
        wild = [text for text in self.complaints if not any(re.search(known, text) for known in self._expected)]
        return wild + [f"called {url}" for url in self.elsewhere]

    def open(self, path: str) -> int:
        """Open an address and return the status of its answer."""
        answer = self.page.goto(path)
        assert answer is not None, path
        return answer.status

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in COMPLAINTS:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme not in NOT_CALLS and not _is_here(place.hostname or ""):
            self.elsewhere.append(request.url)
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self.documents.append(request.url)

    def _socket(self, socket: WebSocket) -> None:
        self.sockets.append(Frames(socket))


def _is_here(host: str) -> bool:
    return host in LOOPBACK or host.endswith(".localhost")  # tenants' own hosts


Visits = Callable[..., Visit]
