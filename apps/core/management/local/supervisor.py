"""Keeps the product's processes running on one machine: starts them in order, restarts what dies, ends them all.

One thread, one loop: children's output, their deaths, signals and restarts are all events of one selector.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from apps.core.management.local.children import Process, Program, kill_group, spawn
from apps.core.management.local.output import Output, Prefixed

TICK_SECONDS = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
STEADY_SECONDS = 5.0
GRACE_SECONDS = 30.0


@dataclass
class Part:
    """One process of the product. ``program`` is asked at every start; ``is_ready`` gets the process id."""

    name: str
    program: Callable[[], Program]
    is_ready: Callable[[int], bool] = lambda _pid: True
    start_seconds: float = 60.0
    restarts: bool = True
    child: Process | None = None
    started_at: float = 0.0
    failures: int = 0
    start_again_at: float | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    lines: Prefixed | None = field(default=None, repr=False)

    @property
    def is_up(self) -> bool:
        """Whether its process is running."""
        return self.child is not None and self.child.poll() is None


class StartFailed(Exception):
    """A part ended, or did not become ready, while the product was starting."""


class Stopped(Exception):
    """Somebody asked for the end while the product was starting."""


class Supervisor:
    """Owns the parts from the first start to the last end."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._parts: list[Part] = []
        self._selector = selectors.DefaultSelector()
        self._asked_to_stop = 0
        self._listening = False
        self._bell, self._rung = socket.socketpair()
        self._bell.setblocking(False)
        self._rung.setblocking(False)
        self._selector.register(self._rung, selectors.EVENT_READ, None)

    def listen(self) -> None:
        """Take over the signals that end the product."""
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._listening = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def start(self, part: Part) -> None:
        """Start a part and wait until it is ready."""
        self._parts.append(part)
        self._launch(part)
        self.wait_for(part)

    def launch(self, part: Part) -> None:
        """Start a part without waiting."""
        self._parts.append(part)
        self._launch(part)

    def part(self, name: str) -> Part:
        """The part of that name."""
        return next(part for part in self._parts if part.name == name)

    def process_ids(self) -> dict[str, int]:
        """The process of each part that runs now."""
        return {part.name: part.child.pid for part in self._parts if part.is_up and part.child is not None}

    def wait_for(self, part: Part) -> None:
        """Return when the part is ready."""
        deadline = time.monotonic() + part.start_seconds
        while part.child is None or not part.is_up or not part.is_ready(part.child.pid):
            if self._asked_to_stop:
                raise Stopped
            if part.child is None or not part.is_up:
                raise StartFailed(f"{part.name} ended while starting: {_ending(part)}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{part.name} was not ready after {part.start_seconds:.0f} s")
            self._turn()

    def wait_until(self, condition: Callable[[], bool], part: Part) -> None:
        """Return when something holds, or never will: its part has ended, or its time is over."""
        deadline = time.monotonic() + part.start_seconds
        while part.is_up and time.monotonic() < deadline and not condition():
            if self._asked_to_stop:
                raise Stopped
            self._turn()

    def run_once(self, name: str, program: Program) -> int:
        """Run a program to its end, showing its output; returns its exit code."""
        part = Part(name, lambda: program, restarts=False)
        self.launch(part)
        while part.is_up and not self._asked_to_stop:
            self._turn()
        if self._asked_to_stop:
            raise Stopped
        self._drain(part)
        self._parts.remove(part)
        return part.child.wait() if part.child else 1

    def watch(self, every_turn: Callable[[], None] = lambda: None) -> None:
        """Keep everything running until asked to stop."""
        while not self._asked_to_stop:
            self._turn()
            self._mend()
            every_turn()

    def stop(self) -> None:
        """End every part, the last started first; a second signal ends them at once."""
        asked = self._asked_to_stop
        for part in reversed(self._parts):
            if part.is_up and part.child is not None:
                part.child.send_signal(part.stop_signal)
                self._await_end(part, asked)
            if part.child is not None:
                kill_group(part.child)
                self._drain(part)
        self._parts.clear()
        self._close_bell()

    def _close_bell(self) -> None:
        if self._listening:
            signal.set_wakeup_fd(-1)
            self._listening = False
        self._selector.close()
        self._bell.close()
        self._rung.close()

    def _await_end(self, part: Part, asked: int) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        while part.is_up:
            if self._asked_to_stop > asked + 1 or time.monotonic() > deadline:
                self._output.say(f"{part.name} does not end, killing it")
                if part.child is not None:
                    kill_group(part.child)
                    part.child.wait()
                return
            self._turn()

    def _launch(self, part: Part) -> None:
        program = part.program()
        part.stop_signal = program.stop_signal
        part.child = spawn(program, subprocess.PIPE)
        part.started_at = time.monotonic()
        part.start_again_at = None
        part.lines = Prefixed(part.name, self._output)
        if part.child.stdout is not None:
            os.set_blocking(part.child.stdout.fileno(), False)
            self._selector.register(part.child.stdout, selectors.EVENT_READ, part)

    def _turn(self) -> None:
        for key, _events in self._selector.select(TICK_SECONDS):
            if key.data is None:
                self._rung.recv(4096)
            else:
                self._read(key.data)

    def _read(self, part: Part) -> None:
        pipe = part.child.stdout if part.child else None
        if pipe is None or part.lines is None:
            return
        try:
            chunk = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return
        if chunk:
            part.lines.feed(chunk)
        else:
            self._close(part)

    def _drain(self, part: Part) -> None:
        """Show what a finished part said last, without waiting for anyone who inherited its output."""
        while part.child is not None and part.child.stdout is not None and not part.child.stdout.closed:
            before = part.lines.fed if part.lines else 0
            self._read(part)
            if part.lines is None or part.lines.fed == before:
                self._close(part)

    def _close(self, part: Part) -> None:
        if part.child is not None and part.child.stdout is not None and not part.child.stdout.closed:
            self._selector.unregister(part.child.stdout)
            part.child.stdout.close()
        if part.lines is not None:
            part.lines.finish()

    def _mend(self) -> None:
        now = time.monotonic()
        for part in self._parts:
            if part.is_up:
                if now - part.started_at > STEADY_SECONDS:
                    part.failures = 0
            elif part.restarts and part.start_again_at is None:
                self._bury(part, now)
            elif part.start_again_at is not None and now >= part.start_again_at:
                self._launch(part)
                self._output.say(f"{part.name} is running again (process {part.child.pid if part.child else 0})")

    def _bury(self, part: Part, now: float) -> None:
        if part.child is not None:
            kill_group(part.child)
        self._drain(part)
        pause = min(FIRST_PAUSE * 2**part.failures, LONGEST_PAUSE)
        if part.child is not None and part.child.returncode != -signal.SIGKILL:  # that is nobody's own doing
            part.failures += 1
        part.start_again_at = now + pause
        self._output.say(f"{part.name} ended: {_ending(part)}; starting it again in {pause:g} s")

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop += 1


def _ending(part: Part) -> str:
    code = part.child.returncode if part.child else None
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def python(*arguments: str) -> list[str]:
    """A command line of this very interpreter."""
    return [sys.executable, *arguments]
