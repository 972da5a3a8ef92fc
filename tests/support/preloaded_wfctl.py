"""`wfctl` out of a process that has loaded it: tests start it a hundred times, and most of what it does is to load."""

import atexit
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache

from apps.core.management.local.children import Process, Program, spawn, stop
from apps.core.management.local.preload import Preloaded, Streams, can_fork
from tests.support.checkout import ROOT
from tests.support.measured_child import MEASURED

MODULES = (
    "tests.support.loaded_wfctl",
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "uvicorn.lifespan.off"),
    *("anyio._backends._asyncio", "typer._adapters", "encodings.idna"),  # all of these when a document is served
)
# What those read while they are loaded: whoever is told otherwise starts the ordinary way.
DECISIVE = ("NO_COLOR", "TYPER_USE_RICH", "AIOKAFKA_NO_EXTENSIONS", "PYDANTIC_DISABLE_PLUGINS", "HOME")
LOADING_SECONDS = 60.0


def environment(**extra: str) -> dict[str, str]:
    """Return an environment without a terminal's or a product's settings in it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | extra


def start(command: Sequence[str], given: Mapping[str, str], streams: Streams, *, afresh: bool) -> Process:
    """Start a program on open files; `afresh` as a user does, by an interpreter that loads everything."""
    forked = None if afresh else _preloaded().fork_on(Program(command, given, ROOT), streams)
    return forked or subprocess.Popen(
        command, stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr, env=given, cwd=ROOT
    )


@cache
def _preloaded() -> Preloaded:
    """Return the one that serves until these tests end."""
    measured = {MEASURED: os.environ[MEASURED]} if MEASURED in os.environ else {}
    made = Preloaded(MODULES, ROOT, environment(**measured), DECISIVE)
    if can_fork():
        process = spawn(made.program(), subprocess.DEVNULL)
        atexit.register(stop, process, signal.SIGTERM, LOADING_SECONDS)
        made.is_ready(LOADING_SECONDS)
    return made
