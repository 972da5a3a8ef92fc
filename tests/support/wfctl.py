"""Driving the real command line from outside: one process per call, no terminal, no colours.

Unless a test says otherwise the process comes out of one that has loaded `wfctl` (`preloaded_wfctl.py`).
"""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from apps.core.management.local.preload import Streams
from tests.support.checkout import ROOT
from tests.support.measured_child import measured_command
from tests.support.preloaded_wfctl import environment, start
from tests.support.waiting import wait_for


@dataclass(frozen=True)
class Outcome:
    """What a finished process left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of a wfctl call."""
    return [*measured_command("apps/wfctl", "apps.wfctl", ["-m", "apps.wfctl"]), *map(str, arguments)]


def wfctl(*arguments: str | Path, stdin: str = "", afresh: bool = False, **extra: str) -> Outcome:
    """Run one verb to its end; `afresh` as a user does, not out of a process that has loaded it."""
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        streams = Streams(given.fileno(), out.fileno(), err.fileno())
        process = start(command(*arguments), environment(**extra), streams, afresh=afresh)
        try:
            code = process.wait(60)
        finally:
            process.kill()
        return Outcome(code, *(_read(each) for each in (out, err)))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def wfctl_in_a_terminal(*arguments: str | Path, **extra: str) -> tuple[int, str]:
    """Run one verb as a user does in a terminal; return its exit code and what the terminal was sent."""
    ours, theirs = pty.openpty()
    given = environment(**{"TERM": "xterm-256color", "NO_COLOR": "", **extra})
    process = subprocess.Popen(command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, env=given, cwd=ROOT)
    os.close(theirs)
    sent = bytearray()
    with contextlib.suppress(OSError):  # Linux tells the end of a terminal by an error
        while piece := os.read(ours, 65_536):
            sent += piece
    os.close(ours)
    return process.wait(60), sent.decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    """Return text without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _address_in(line: str) -> str:
    return re.findall(r"https?://\S+", line)[0]


class Served:
    """One document that `wfctl run` serves, seen from outside."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request; a dict or list is sent as JSON."""
        content = json.dumps(body).encode() if isinstance(body, dict | list) else body
        named = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        request = Request(self.url + path, data=content, method=method, headers=named)
        try:
            with urlopen(request, timeout=10) as reply:
                return Reply(reply.status, dict(reply.headers), reply.read())
        except HTTPError as refused:
            with refused:
                return Reply(refused.code, dict(refused.headers), refused.read())

    def get(self, path: str) -> Any:
        """Return the JSON of an address."""
        return json.loads(self.call("GET", path).body)

    def publish(self, topic: str, payload: Any) -> None:
        """Publish a message through the console."""
        assert self.call("POST", "/_weft/messages", {"topic": topic, "payload": payload}).status == 202

    def start(self, workflow: str, action: str, data: Any) -> dict[str, Any]:
        """Start a run by hand through the console and return it once it has ended."""
        body = {"workflow": workflow, "action": action, "data": data}
        started = self.call("POST", "/_weft/runs", body)
        assert started.status == 202, started.body
        identity = json.loads(started.body)["id"]
        return wait_for(lambda: self._ended(identity), what=f"the end of run {identity}")

    def runs(self, **where: str) -> list[dict[str, Any]]:
        """Return the runs there are, those whose columns have the given values."""
        found = self.get("/_weft/runs")
        return [run for run in found if all(run[name] == value for name, value in where.items())]

    def instances(self) -> dict[str, str]:
        """Return the state of every state-machine instance by its id."""
        return {instance["id"]: instance["state"] for instance in self.get("/_weft/instances")}

    def _ended(self, identity: str) -> dict[str, Any] | None:
        run = self.get(f"/_weft/runs/{identity}")
        return run if run["status"] in ("done", "failed", "cancelled") else None


class Serving(Served):
    """`wfctl run` as a process: started, answering, and stopped as a user would with Ctrl-C.

    `options` may name more documents; it answers for the first one, and `at` for each by its name. `afresh` starts it
    as a user does, not out of a process that has loaded it.
    """

    def __init__(
        self,
        file: Path,
        *options: str | Path,
        address: str | None = "127.0.0.1:0",
        afresh: bool = False,
        **extra: str,
    ) -> None:
        super().__init__("")
        given = [] if address is None else ["--address", address]
        self._lines: list[str] = []
        ours, theirs = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        streams = Streams(nothing, theirs, theirs)
        self.process = start(command("run", file, *given, *options), environment(**extra), streams, afresh=afresh)
        os.close(nothing)
        os.close(theirs)
        self._printed = os.fdopen(ours, encoding="utf-8")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Serving":
        started = wait_for(lambda: self.line("serving ", "://") or self._dead(), timeout=30, what="wfctl run")
        if "serving" not in started:
            self.stop()
            raise AssertionError(self.output)
        self.url = _address_in(started)
        return self

    def at(self, name: str) -> Served:
        """Return one of several documents by its name."""
        return Served(_address_in(self.wait_line(f"serving {name} on ")))

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Interrupt the process and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        self._reader.join(5)
        self._printed.close()
        return code

    @property
    def output(self) -> str:
        return "\n".join(self._lines)

    def line(self, *parts: str) -> str:
        """Return the first printed line that has all the parts, empty when there is none."""
        return next((line for line in list(self._lines) if all(part in line for part in parts)), "")

    def wait_line(self, *parts: str) -> str:
        """Wait for a printed line that has all the parts."""
        return wait_for(lambda: self.line(*parts), what=f"a line with {parts} in\n{self.output}")

    def _dead(self) -> str:
        return "" if self.process.poll() is None else f"exit code {self.process.returncode}"

    def _read(self) -> None:
        for line in self._printed:
            self._lines.append(line.rstrip("\n"))
