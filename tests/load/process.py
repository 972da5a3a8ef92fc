"""One benchmark as a process of its own, as people run it."""

import json
import subprocess
import sys
from typing import Any

from tests.support.checkout import ROOT
from tests.support.running_product import bare_environment

FIGURE = {"name", "ours", "baseline", "ratio", "target", "met", "details"}


def run(module: str, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Run a benchmark and return its exit code and the JSON lines it printed."""
    command = [sys.executable, "-m", f"tests.load.{module}", *options]
    done = subprocess.run(
        command, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
