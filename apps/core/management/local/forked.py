"""A program that came out of a preloaded process by a fork: our own child, as one of `subprocess` would be."""

import os
import select
import signal
import subprocess
import threading
from typing import IO


class Forked:
    """The part of `subprocess.Popen`'s face that is used; `stdout` is what it prints, where it was asked for."""

    def __init__(self, pid: int, command: list[str], stdout: IO[bytes] | None = None) -> None:
        self.pid = pid
        self.args = command
        self.stdout = stdout
        self.stdin = None
        self.returncode: int | None = None
        self._reaping = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        with self._reaping:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, for some seconds at most; raise `subprocess.TimeoutExpired`."""
        if (code := self.poll()) is not None:
            return code
        self._await_end(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _await_end(self, timeout: float | None) -> None:
        try:
            ending = os.pidfd_open(self.pid)
        except ProcessLookupError:  # another thread has been told of its end meanwhile
            return
        try:
            poll = select.poll()
            poll.register(ending, select.POLLIN)
            poll.poll(None if timeout is None else timeout * 1000)
        finally:
            os.close(ending)
