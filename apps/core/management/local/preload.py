"""Asking a preloaded process for programs, so that none has to load again what all of them need.

Where there is no such process, or it cannot make the program as an ordinary start would, the answer is None and the
program is started the ordinary way. Only Linux makes orphans the children of somebody chosen.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.core.management.local.children import Process, Program
from apps.core.management.local.forked import Forked
from apps.core.management.local.preload_server import GO, READY, Request

SERVER = "apps.core.management.local.preload_server"
PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 36, 37
ANSWER_SECONDS = 30.0
TAKEN_OVER = {"PYTHONPATH", "PYTHONUNBUFFERED"}  # what else an interpreter is told at its start must be the same
AT_START = ("PYTHON", "LANG", "LC_", "TZ", "LD_")
_ASKING = threading.Lock()


def can_fork() -> bool:
    """Whether this system has what it takes; where it has not, no preloaded process is to be started."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Streams:
    """The open files that become a program's standard input, output and error."""

    stdin: int
    stdout: int
    stderr: int


class Preloaded:
    """One preloaded process: the modules it holds, and its environment, which programs share where it matters.

    `decisive` names the variables that the modules read while they are loaded.
    """

    def __init__(
        self, modules: Sequence[str], folder: Path, environment: Mapping[str, str], decisive: Collection[str] = ()
    ) -> None:
        self._modules, self._folder, self._environment = modules, folder, dict(environment)
        self._decisive = frozenset(decisive)
        self._ours: socket.socket | None = None
        self._theirs: socket.socket | None = None
        self._is_loaded = False

    def program(self) -> Program:
        """Return the preloaded process itself, to be started; whatever was started of it before is let go."""
        self.close()
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        door = self._theirs.fileno()
        command = [sys.executable, "-m", SERVER, str(door), *self._modules]
        return Program(command, self._environment, self._folder, inherited=(door,))

    def is_ready(self, seconds: float = 0.0) -> bool:
        """Whether it has loaded everything, waiting some seconds for it."""
        with _ASKING:
            return self._look(seconds)

    def close(self) -> None:
        """Let it end."""
        for end in (self._ours, self._theirs):
            if end is not None:
                end.close()
        self._ours = self._theirs = None
        self._is_loaded = False

    def fork(self, program: Program, output: int) -> Forked | None:
        """Start a program with its output as `children.spawn` does; None when it has to be started the ordinary way."""
        if program.text_in is not None:
            return None
        with contextlib.ExitStack() as stack:
            nothing = _opened(os.open(os.devnull, os.O_RDWR), stack)
            if output != subprocess.PIPE:
                shown = nothing if output == subprocess.DEVNULL else output
                return self.fork_on(program, Streams(nothing, shown, shown))
            ours, theirs = os.pipe()
            _opened(theirs, stack)
            child = self.fork_on(program, Streams(nothing, theirs, theirs))
            if child is None:
                os.close(ours)
            else:
                child.stdout = os.fdopen(ours, "rb")
            return child

    def start(self, program: Program, streams: Streams) -> Process:
        """Start a program on given streams, the ordinary way where it cannot come out of the preloaded process."""
        return self.fork_on(program, streams) or subprocess.Popen(
            [str(part) for part in program.command],
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            env=None if program.environment is None else dict(program.environment),
            cwd=program.folder,
        )

    def fork_on(self, program: Program, streams: Streams) -> Forked | None:
        """Start a program on given streams; None when it has to be started the ordinary way."""
        environment = dict(os.environ if program.environment is None else program.environment)
        if self._ours is None or not self._fits(program, environment):
            return None
        command = [str(part) for part in program.command]
        request = Request(
            command[1:], environment, str(program.folder), int(program.stop_signal), _umask(), os.getpid(),
            [0, 1, 2, *program.inherited],
        )  # fmt: skip
        with _ASKING:
            pid = self._ask(request, [streams.stdin, streams.stdout, streams.stderr, *program.inherited])
        return Forked(pid, command) if pid else None

    def _fits(self, program: Program, environment: Mapping[str, str]) -> bool:
        command, identity = [str(part) for part in program.command], program.identity
        if command[0] != sys.executable or identity.wrapper or identity.drop:
            return False
        is_module = command[1:2] == ["-m"] and len(command) > 2
        is_script = bool(command[1:]) and not command[1].startswith("-")
        return (is_module or is_script) and self._decided(environment) == self._decided(self._environment)

    def _decided(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {
            name: value
            for name, value in environment.items()
            if name in self._decisive or (name.startswith(AT_START) and name not in TAKEN_OVER)
        }

    def _ask(self, request: Request, files: Sequence[int]) -> int:
        """Return the process id of the program, 0 when there is none."""
        if not self._look(0.0) or self._ours is None:
            return 0
        line, theirs = socket.socketpair()
        with line:
            try:
                with _adopting(), theirs:
                    socket.send_fds(self._ours, [request.encoded()], [*files, theirs.fileno()])
                    theirs.close()  # so that the line ends when nobody else holds it any more
                    line.settimeout(ANSWER_SECONDS)
                    pid = int(line.recv(32) or 0)
                if pid:
                    line.send(GO)
                return pid
            except (TimeoutError, ConnectionError):
                self.close()  # it hangs, or is gone: let it end, and nobody else wait for it
                return 0
            except OSError:  # the request is too large, or we have too many files
                return 0

    def _look(self, seconds: float) -> bool:
        if self._is_loaded or self._ours is None:
            return self._is_loaded
        if self._theirs is not None:
            self._theirs.close()  # it has its own by now; that its end is the last one shows when it ends
            self._theirs = None
        self._ours.settimeout(seconds)
        with contextlib.suppress(OSError):
            self._is_loaded = self._ours.recv(32) == READY
        return self._is_loaded


def _opened(number: int, stack: contextlib.ExitStack) -> int:
    stack.callback(os.close, number)
    return number


def _umask() -> int:
    """Return ours; asking the system's own call for it would change it for a moment."""
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    return int(status.partition("\nUmask:")[2].split()[0], 8)


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """Orphans among our descendants become our children meanwhile."""
    library = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int()
    library.prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    if library.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "orphans cannot be adopted")
    try:
        yield
    finally:
        library.prctl(PR_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)
