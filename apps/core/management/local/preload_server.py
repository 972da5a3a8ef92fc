"""The preloaded process: loads modules once and becomes programs that need not load them again, each by a fork.

``python -m apps.core.management.local.preload_server SOCKET MODULE...`` is started and asked by `preload.py`, and ends
when the other end of the socket is closed. A message on it is one program with its open files, the last of which is a
line to whoever asked: the program tells its id there, and begins when it is told to, so that none runs unknown.

``NAME.*`` among the modules is one of the product's own, a package with everything below it (`held.py`).

Who forks it is in between and ends at once: it becomes a child of whoever asked (a "subreaper" while it asks), and its
exit code, its death signal and its `SIGCHLD` are as if it had been started there.
"""

import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
LARGEST_REQUEST, MOST_FILES = 200_000, 16  # a message of this kind has to fit into the socket's buffer
READY, GO = b"ready", b"go"
WHOLE = ".*"


@dataclass(frozen=True)
class Request:
    """A program: what follows the interpreter on its command line, and the numbers that its open files get."""

    command: Sequence[str]
    environment: dict[str, str]
    folder: str
    stop_signal: int
    umask: int
    owner: int
    files: Sequence[int]

    def encoded(self) -> bytes:
        """Return it as a message."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, message: bytes) -> "Request":
        """Read a message."""
        return cls(**json.loads(message))


def main(door: socket.socket, modules: Sequence[str]) -> None:
    """Load, then serve until the owner is gone; the program that comes out of a fork runs to its end in here."""
    installed = _installed()
    library = ctypes.CDLL(None, use_errno=True)
    gc.disable()  # what is loaded stays
    for name in modules:
        if not name.endswith(WHOLE):
            importlib.import_module(name)
    look_again = _hold([name.removesuffix(WHOLE) for name in modules if name.endswith(WHOLE)])
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit(f"these modules start threads, which a fork would lose: {', '.join(modules)}")
    gc.collect()
    gc.freeze()
    gc.enable()
    with contextlib.suppress(BrokenPipeError):
        door.send(READY)
    request = _serve(door, library, look_again)
    if request is not None:
        _run(request, installed)


def _hold(names: Sequence[str]) -> Callable[[], None]:
    """Load code of the product; return what lets go of it once its files have changed."""
    if not names:
        return lambda: None
    from apps.core.management.local.held import Held  # noqa: PLC0415 - who holds nothing needs none

    held = Held(names)
    held.load()
    return held.look_again


def _installed() -> list[str]:
    """Return what follows the caller's own part of `sys.path`."""
    archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    first = next(place for place, path in enumerate(sys.path) if path.endswith(archive))
    return sys.path[first:]


def _serve(door: socket.socket, library: ctypes.CDLL, look_again: Callable[[], None]) -> Request | None:
    """Return None once nobody can ask any more, and in every program what it is to run."""
    while True:
        try:
            message, files, _flags, _address = socket.recv_fds(door, LARGEST_REQUEST, MOST_FILES)
        except ConnectionResetError:
            return None
        if not message:
            return None
        request = Request.decoded(message)
        look_again()
        begin = _fork()
        if begin is not None:
            door.close()
            _settle_in(request, files, begin, library)
            return request
        for each in files:
            os.close(each)


def _fork() -> int | None:
    """Make a program; in it, return a file that says `go` once it has its new parent. None in the server."""
    begin, tell = os.pipe()
    try:
        between = os.fork()
    except OSError:
        between = -1
    if between == 0:
        _end_if_between()
        os.close(tell)
        return begin
    os.close(begin)
    if between > 0:
        os.waitpid(between, 0)
        with contextlib.suppress(BrokenPipeError):
            os.write(tell, GO)
    os.close(tell)
    return None


def _end_if_between() -> None:
    """Go on in a child; the process in between has nothing more to do."""
    try:
        child = os.fork()
    except OSError:
        os._exit(1)
    if child:
        os._exit(0)


def _settle_in(request: Request, files: Sequence[int], begin: int, library: ctypes.CDLL) -> None:
    """Make this process what a fresh one would be; it runs only if the owner, told its id, says so."""
    try:
        if os.read(begin, len(GO)) != GO:
            os._exit(1)
        os.close(begin)
        library.prctl(PR_SET_PDEATHSIG, request.stop_signal, 0, 0, 0)
        if os.getppid() != request.owner:
            os._exit(1)
        os.setsid()
        os.umask(request.umask)
        os.chdir(request.folder)
        coerced = {
            name: value for name, value in os.environ.items() if name == "LC_CTYPE"
        }  # by Python, in the C locale
        os.environ.clear()
        os.environ.update(request.environment | coerced)
        line = _place(files[:-1], request.files, files[-1])
        _reset_signals()
        _open_streams()
        os.write(line, str(os.getpid()).encode())
        if os.read(line, len(GO)) != GO:
            os._exit(1)
        os.close(line)
    except BaseException:
        os._exit(1)


def _place(files: Sequence[int], numbers: Sequence[int], also: int) -> int:
    """Give the open files their numbers; `also` is kept somewhere else, which is returned."""
    above = max(*numbers, *files, also) + 1
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, above) for each in (*files, also)]
    for each in (*files, also):
        os.close(each)
    for each, number in zip(moved[:-1], numbers, strict=True):
        os.dup2(each, number, inheritable=True)
        os.close(each)
    return moved[-1]


def _reset_signals() -> None:
    """Nothing is blocked, and what a loaded module listens to is back at its default."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            chosen = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, chosen)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _open_streams() -> None:
    """Open the standard streams as Python does at its start."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = _text(number, name, mode, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _text(number: int, name: str, mode: str, like: io.TextIOWrapper) -> io.TextIOWrapper:
    is_direct = os.environ.get("PYTHONUNBUFFERED", "") != ""
    raw = io.FileIO(number, mode, closefd=False)
    raw.name = f"<{name}>"
    buffer: Any = io.BufferedReader(raw) if mode == "r" else raw if is_direct else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(
        buffer,
        encoding=like.encoding,
        errors=like.errors,
        newline="\n",
        line_buffering=not is_direct and (raw.isatty() or name == "stderr"),
        write_through=is_direct,
    )
    stream.mode = mode  # type: ignore[misc]
    return stream


def _run(request: Request, installed: Sequence[str]) -> None:
    """Run it as `__main__`; its ending, by whatever way, is this process's."""
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    paths = list(dict.fromkeys([*map(os.path.abspath, named), *installed]))
    sys.orig_argv = [sys.executable, *request.command]
    if request.command[0] == "-m":
        sys.argv = list(request.command[1:])
        sys.path[:] = [request.folder, *paths]
        sys.modules.pop(request.command[1], None)  # a program is not there before it begins
        runpy.run_module(request.command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(request.command)
        script = request.command[0]
        sys.path[:] = [str(Path(script).resolve().parent), *paths]
        runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
