"""Driving the real command line from outside: one process per call, no terminal, no colours."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a finished process left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of a wfctl call."""
    return [sys.executable, "-m", "apps.wfctl", *map(str, arguments)]


def environment(**extra: str) -> dict[str, str]:
    """Return an environment without a terminal's or a product's settings in it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | extra


def wfctl(*arguments: str | Path, stdin: str | None = None, **extra: str) -> Outcome:
    """Run one verb to its end."""
    done = subprocess.run(
        command(*arguments), input=stdin, capture_output=True, text=True, env=environment(**extra), timeout=60, cwd=ROOT
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
