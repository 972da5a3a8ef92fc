"""The whole product as `manage.py dev` runs it, in a folder of the test's own."""

import json
import math
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.core.management.local.children import is_running
from config.env import Environment
from tests.support.checkout import ROOT
from tests.support.measured_child import measured_command
from tests.support.waiting import wait_for

START_SECONDS = 240.0
STOP_SECONDS = 60.0


@dataclass
class RunningProduct:
    """A started product: its process, what it printed, what it says about itself."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def printed(self) -> str:
        """Everything it has printed so far."""
        return (self.folder.parent / "output").read_text(encoding="utf-8", errors="replace")

    @property
    def state(self) -> dict[str, Any]:
        """What tools are told about it; empty until it is up."""
        path = self.folder.with_suffix(".json")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return found

    @property
    def url(self) -> str:
        """Where the web process listens."""
        return str(self.state["base_url"])

    def process_id(self, part: str) -> int:
        """The process of a part; 0 while it has none."""
        return int(self.state.get("processes", {}).get(part, 0))

    def is_ready(self) -> bool:
        """Whether it says so itself."""
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def metric(self, sample: str) -> float:
        """What `/metrics` says now of a sample, given with its labels as Prometheus writes them; NaN when nothing."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{sample} ")), math.nan)

    def order_line(self) -> tuple[str, bytes]:
        """Address and body of the order that the banner tells people to post."""
        line = next(line for line in self.printed.splitlines() if "curl" in line)
        return re.findall(r"https?://\S+", line)[0], re.findall(r"-d '(.*)'", line)[0].encode()

    def stop(self) -> int:
        """Ctrl-C, and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def running_product(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[RunningProduct]:
    """Start the product, wait until it is up, and end it whatever happened in between.

    A folder that another one has run in before makes it a warm start; `printed` begins anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manage = measured_command("apps/core", "manage", ["manage.py"])
    command = [*manage, "dev", "--folder", str(folder / "dev"), *arguments]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**bare_environment(), **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    product = RunningProduct(process, folder / "dev")
    try:
        wait_for(lambda: product.state or process.poll() is not None, timeout=START_SECONDS, what="the product")
        assert product.state, product.printed
        yield product
    finally:
        if process.poll() is None:
            product.stop()


def bare_environment() -> dict[str, str]:
    """The environment without the tests' settings: the product is to find its own."""
    settings = {row.name for row in Environment.table()} | {"DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in settings}


def still_running(processes: list[int]) -> list[int]:
    """Those of the processes that have not ended."""
    return [pid for pid in processes if is_running(pid)]
