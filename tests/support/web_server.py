"""A web process of the product's own kind over the test's database, on a server of the test's choice."""

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.core.management.local.children import Process
from apps.core.management.local.ports import any_free
from tests.support.database import TestDatabase
from tests.support.preloaded_packages import start
from tests.support.waiting import wait_for

START_SECONDS = 60.0
STOP_SECONDS = 30.0
TROUBLE = ("{", "Traceback", "Exception", "CommandError")
COMMANDS = {
    "uvicorn": ("serve", "--server", "uvicorn", "--port", "{port}"),
    "daphne": ("serve", "--server", "daphne", "--port", "{port}"),
    "runserver": ("runserver", "--noreload", "127.0.0.1:{port}"),
}


@dataclass
class WebServer:
    """A started web process."""

    process: Process
    port: int
    output: Path

    @property
    def printed(self) -> str:
        """Everything it has printed so far."""
        return self.output.read_text(errors="replace")

    @property
    def complaints(self) -> list[str]:
        """The lines of it that tell of trouble; the settings of tests let nothing else be logged."""
        return [line for line in self.printed.splitlines() if line.startswith(TROUBLE)]

    def is_listening(self) -> bool:
        """Whether it takes and answers a request."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/live", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def ask_to_end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal that a supervisor sends."""
        self.process.send_signal(how)

    def wait(self) -> int:
        """Return the exit code once it has ended."""
        return self.process.wait(STOP_SECONDS)


class KeptServer:
    """One web process for many tests, of which each may end it: who comes after gets a new one."""

    def __init__(self, start: Callable[[], WebServer]) -> None:
        self._start = start
        self._last: WebServer | None = None

    def running(self) -> WebServer:
        """Return the process, started if there is none."""
        if self._last is None or self._last.process.poll() is not None:
            self._last = self._start()
        return self._last


@contextmanager
def web_server(database: TestDatabase, folder: Path, server: str) -> Iterator[WebServer]:
    """Start one, wait until it answers, and have it ended afterwards."""
    port = any_free()
    arguments = ["manage.py", *(word.format(port=port) for word in COMMANDS[server])]
    environment = {**os.environ, **database.environment(), "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    process = start(arguments, environment, folder / f"{server}.log")
    started = WebServer(process, port, folder / f"{server}.log")
    try:
        wait_for(
            lambda: started.is_listening() or process.poll() is not None, timeout=START_SECONDS, what="the web process"
        )
        assert process.poll() is None, started.printed
        yield started
    finally:
        if process.poll() is None:
            started.ask_to_end()
            started.wait()


@contextmanager
def kept_server(database: TestDatabase, folder: Path, server: str) -> Iterator[KeptServer]:
    """Keep one for many tests; nothing of it is left afterwards."""
    with ExitStack() as stack:
        yield KeptServer(lambda: stack.enter_context(web_server(database, folder, server)))
