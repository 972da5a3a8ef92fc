"""Worker processes of the product's own kind, to be killed."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from apps.core.management.local.children import Process
from tests.support.database import TestDatabase, close_connections
from tests.support.preloaded_packages import start
from tests.support.waiting import wait_for


@dataclass
class Workers:
    """Starts Celery workers against one test database; ends what it started."""

    database: TestDatabase
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def start(self) -> Process:
        """Start one and wait until its loop has reported."""
        before = self._reported()
        process = self.launch()
        wait_for(lambda: self._reported() > before, timeout=60, what=f"the worker; it says {self.printed()}")
        return process

    def launch(self) -> Process:
        """Start one, whatever becomes of it."""
        arguments = [
            "-m", "celery", "--app", "config.celery:app", "--skip-checks", "--quiet", "worker",
            "--pool", "threads", "--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "INFO",
            "--hostname", f"chaos-{len(self.processes)}-{os.getpid()}@localhost",
        ]  # fmt: skip
        environment = {
            **os.environ,
            **self.database.environment(),
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "LOG_LEVEL": "INFO",
            **self.settings,
        }
        process = start(arguments, environment, self.folder / f"worker-{len(self.processes)}.log")
        self.processes.append(process)
        return process

    def printed(self) -> str:
        """Return what all of them have printed."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("worker-*.log")))

    def kill(self, process: Process) -> None:
        """End one without a word."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def jump(self, by: str) -> None:
        """Move the database's clock for processes that start from now on."""
        with psycopg.connect(self.database.superuser_url, autocommit=True) as admin:
            admin.execute(f"alter database \"{self.database.name}\" set app.clock_offset = '{by}'".encode())

    def _reported(self) -> int:
        with psycopg.connect(self.database.superuser_url) as connection:
            row = connection.execute("select count(*) from runs_worker").fetchone()
            return int(row[0]) if row else 0


@contextlib.contextmanager
def workers(database: TestDatabase, folder: Path, **settings: str) -> Iterator[Workers]:
    """Give a starter of workers; its processes are gone afterwards, and the clock is right again."""
    made = Workers(database, folder, settings)
    try:
        yield made
    finally:
        for process in made.processes:
            if process.poll() is None:
                made.kill(process)
        with psycopg.connect(database.superuser_url, autocommit=True) as admin:
            admin.execute(f'alter database "{database.name}" reset app.clock_offset'.encode())
            admin.execute("delete from runs_worker")
        close_connections()  # those that were opened meanwhile have the wrong clock
