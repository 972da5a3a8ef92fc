"""The product's programs as `manage.py dev` starts them: out of a process that has loaded the packages they need."""

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from apps.core.management.local.children import Process, Program, spawn, stop
from apps.core.management.local.packages import PRELOADED
from apps.core.management.local.preload import Preloaded
from tests.support.checkout import ROOT

LOADING_SECONDS = 60.0


@cache
def preloaded_packages() -> Preloaded:
    """Return the process that has loaded them."""
    return kept(Preloaded(PRELOADED, ROOT, os.environ))


def kept(made: Preloaded) -> Preloaded:
    """Have a preloaded process load, and serve until these tests end."""
    process = spawn(made.program(), subprocess.DEVNULL)
    atexit.register(stop, process, signal.SIGTERM, LOADING_SECONDS)
    made.is_ready(LOADING_SECONDS)
    return made


def start(arguments: list[str], environment: Mapping[str, str], output: Path) -> Process:
    """Start a Python program, given by what follows the interpreter, with what it prints in a file."""
    program = Program([sys.executable, *arguments], environment, ROOT, preloaded=preloaded_packages())
    with output.open("wb") as file:
        return spawn(program, file.fileno())
