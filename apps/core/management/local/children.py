"""Starting programs so that none outlives us: they die with the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from apps.core.management.local.forked import Forked

PR_SET_PDEATHSIG = 1
NOBODY = 65534
Process = subprocess.Popen[bytes] | Forked


@dataclass(frozen=True)
class Identity:
    """As whom a program runs; ``wrapper`` is put in front of its command."""

    wrapper: tuple[str, ...] = ()
    drop: bool = False

    def arguments(self) -> dict[str, Any]:
        """What ``subprocess`` needs to drop to the user nobody."""
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if self.drop else {}


OURSELVES = Identity()


class Forks(Protocol):
    """A preloaded process (`preload.py`)."""

    def fork(self, program: "Program", output: int) -> Forked | None:
        """Start a program; None when it has to be started the ordinary way."""


@dataclass(frozen=True)
class Program:
    """A command with all that starting it needs."""

    command: Sequence[str | Path]
    environment: Mapping[str, str] | None = None
    folder: Path = Path("/")
    identity: Identity = OURSELVES
    stop_signal: signal.Signals = signal.SIGTERM
    text_in: str | None = field(default=None, repr=False)
    inherited: tuple[int, ...] = ()  # open files that it keeps
    preloaded: Forks | None = None


def spawn(program: Program, output: int) -> Process:
    """Start a program in a session of its own; call it from the main thread, which the death signal is tied to."""
    if program.preloaded is not None and (forked := program.preloaded.fork(program, output)) is not None:
        return forked
    child = subprocess.Popen(
        [*program.identity.wrapper, *(str(part) for part in program.command)],
        env=None if program.environment is None else dict(program.environment),
        cwd=program.folder,
        stdin=subprocess.DEVNULL if program.text_in is None else subprocess.PIPE,
        stdout=output,
        stderr=output if output == subprocess.DEVNULL else subprocess.STDOUT,
        start_new_session=True,
        pass_fds=program.inherited,
        preexec_fn=_dies_with_us(program.stop_signal),
        **program.identity.arguments(),
    )
    if program.text_in is not None and child.stdin is not None:
        child.stdin.write(program.text_in.encode())
        child.stdin.close()
    return child


def _dies_with_us(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Runs in the child after it changed user, because changing user clears the death signal."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def stop(child: Process, how: signal.Signals, grace: float) -> int:
    """Ask, wait, then kill the whole group; returns the exit code."""
    if child.poll() is None:
        child.send_signal(how)
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            kill_group(child)
            child.wait()
    kill_group(child)
    return child.wait()


def kill_group(child: Process) -> None:
    """End whatever a child has left behind in its session."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def is_running(pid: int) -> bool:
    """Whether a process with this id exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
