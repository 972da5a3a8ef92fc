"""Postgres and Redis for one run of the tests: fast, throw-away, and gone when the run is."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.core.management.local.children import spawn, stop
from apps.core.management.local.debian import Say
from apps.core.management.local.ports import any_free
from apps.core.management.local.postgres import FAST_AND_LOOSE, Postgres, PostgresFailed
from apps.core.management.local.redis import Redis
from apps.core.management.local.remembered import AlreadyRunning, Lock

START_SECONDS = 30.0
STOP_SECONDS = 15.0
FOLDERS = 20


@dataclass(frozen=True)
class Services:
    """The addresses of what was started."""

    admin_url: str
    redis_url: str


@contextmanager
def services_for_tests(folder: Path, say: Say) -> Iterator[Services]:
    """Start both in the first folder that no other run of the tests uses."""
    with ExitStack() as stack:
        own = _own_folder(folder, stack)
        yield Services(_postgres(own, stack), _redis(own, stack, say))


def _own_folder(folder: Path, stack: ExitStack) -> Path:
    for number in range(1, FOLDERS):
        own = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        lock = Lock(own / "lock")
        try:
            lock.take()
        except AlreadyRunning:
            continue
        stack.callback(lock.release)
        return own
    raise PostgresFailed(f"every folder from {folder} on is in use by another run of the tests")


def _postgres(folder: Path, stack: ExitStack) -> str:
    server = Postgres(folder / "postgres", FAST_AND_LOOSE)
    server.prepare()
    port = any_free()
    program = server.program(port)
    child = spawn(program, subprocess.DEVNULL)
    stack.callback(stop, child, program.stop_signal, STOP_SECONDS)
    deadline = time.monotonic() + START_SECONDS
    while not server.is_ready(child.pid):
        if child.poll() is not None or time.monotonic() > deadline:
            raise PostgresFailed(f"Postgres for the tests did not start in {folder}")
        time.sleep(0.02)
    return server.admin_url(port)


def _redis(folder: Path, stack: ExitStack, say: Say) -> str:
    server = Redis(folder / "redis", say)
    port = any_free()
    program = server.program(port)
    child = spawn(program, subprocess.DEVNULL)
    stack.callback(stop, child, program.stop_signal, STOP_SECONDS)
    deadline = time.monotonic() + START_SECONDS
    while not server.is_ready(port):
        if child.poll() is not None or time.monotonic() > deadline:
            raise PostgresFailed(f"Redis for the tests did not start in {folder}")
        time.sleep(0.02)
    return server.url(port)
