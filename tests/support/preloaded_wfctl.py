"""`wfctl` out of a process that has loaded it: tests start it a hundred times, and most of what it does is to load."""

import os
from collections.abc import Mapping, Sequence
from functools import cache

from apps.core.management.local.children import Process, Program
from apps.core.management.local.preload import Preloaded, Streams
from tests.support.checkout import ROOT
from tests.support.measured_child import MEASURED
from tests.support.preloaded_packages import kept

MODULES = (
    "tests.support.loaded_wfctl",
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "uvicorn.lifespan.off"),
    *("anyio._backends._asyncio", "typer._adapters", "encodings.idna"),  # all of these when a document is served
)
# What those read while they are loaded: whoever is told otherwise starts the ordinary way.
DECISIVE = ("NO_COLOR", "TYPER_USE_RICH", "AIOKAFKA_NO_EXTENSIONS", "PYDANTIC_DISABLE_PLUGINS", "HOME")


def environment(**extra: str) -> dict[str, str]:
    """Return an environment without a terminal's or a product's settings in it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | extra


def start(command: Sequence[str], given: Mapping[str, str], streams: Streams, *, afresh: bool) -> Process:
    """Start a program on open files; `afresh` as a user does, by an interpreter that loads everything."""
    return (_nothing_loaded() if afresh else _preloaded()).start(Program(command, given, ROOT), streams)


@cache
def _preloaded() -> Preloaded:
    """Return the one that serves until these tests end."""
    measured = {MEASURED: os.environ[MEASURED]} if MEASURED in os.environ else {}
    return kept(Preloaded(MODULES, ROOT, environment(**measured), DECISIVE))


def _nothing_loaded() -> Preloaded:
    """Return one that was never started, so that programs start the ordinary way."""
    return Preloaded((), ROOT, {})
