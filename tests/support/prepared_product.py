"""The product's start from nothing, made once in a run of the tests, and products that start from what it left.

Making a cluster, its tables and the demo takes more than the start of everything else, and only the tests of the cold
start want to see it. The first who asks makes it, in the folder that `manage.py test` gives to all its processes.
"""

import atexit
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from apps.core.management.local.ports import any_free
from apps.core.management.local.suites import RUN
from tests.support.running_product import RunningProduct, running_product, still_running


@dataclass(frozen=True)
class ColdStart:
    """What was seen of the start from nothing, and of its end."""

    printed: str
    processes: dict[str, int]
    was_ready: bool
    code: int
    left: list[int]  # processes that outlived it


def cold_start() -> ColdStart:
    """Start the product from nothing and stop it; or tell of the start that another test has made in this run."""
    with _alone() as home:
        return _cold_start(home)


@contextmanager
def prepared_product(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, keeps_ports: bool = False
) -> Iterator[RunningProduct]:
    """Start the product, as `running_product` does, from a copy of what the cold start has left.

    Only one at a time may keep the ports of the cold start. Others get ports of their own, and so the address of the
    demo's receiver is seeded anew.
    """
    with _alone() as home:
        _cold_start(home)
        shutil.copytree(home / "product", folder)
    if not keeps_ports:
        (folder / "dev" / "ports.json").unlink()
    with running_product(folder, *arguments, environment=environment) as product:
        yield product


def _cold_start(home: Path) -> ColdStart:
    seen = home / "seen.json"
    if not seen.is_file():
        shutil.rmtree(home / "product", ignore_errors=True)
        with running_product(home / "product", "--quiet", "--port", str(any_free())) as product:
            was_ready, processes = product.is_ready(), dict(product.state["processes"])
            code = product.stop()
        found = ColdStart(product.printed, processes, was_ready, code, still_running(list(processes.values())))
        seen.write_text(json.dumps(asdict(found)), encoding="utf-8")
    return ColdStart(**json.loads(seen.read_text(encoding="utf-8")))


@contextmanager
def _alone() -> Iterator[Path]:
    """The run's folder, while no other process of the run has it."""
    home = _home()
    with (home / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home


@cache
def _home() -> Path:
    given = os.environ.get(RUN)
    if given is not None:
        return Path(given)
    made = TemporaryDirectory(prefix="weft-run-")  # whoever runs without `manage.py test` is alone
    atexit.register(made.cleanup)
    return Path(made.name)
