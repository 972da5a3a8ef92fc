"""An own small manager for the embedded Postgres: one cluster per folder, on loopback, with scram passwords."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from apps.core.management.local.binaries import Placement, place_postgres
from apps.core.management.local.children import NOBODY, Program, is_running
from apps.core.management.local.ports import LOOPBACK

SUPERUSER = "postgres"
STOP_SECONDS = 15.0
PID_LINE, STATUS_LINE = 0, 7
FAST_AND_LOOSE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # a process for each query of tables that hold a few rows
}
COMMON = {"max_connections": "200", "timezone": "UTC", "log_min_messages": "fatal", "unix_socket_directories": ""}


class PostgresFailed(Exception):
    """The database did not start; its own words are in the log that the message names."""


class Postgres:
    """A cluster in a folder. ``program`` starts it; whoever starts it is its only owner."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._settings = {**COMMON, **(settings or {})}
        self._password = folder / "superuser"
        self._placement: Placement | None = None

    @property
    def placement(self) -> Placement:
        """Where the cluster lives and as whom it runs, found out once."""
        if self._placement is None:
            self._placement = place_postgres(self._folder / "cluster")
        return self._placement

    @property
    def data(self) -> Path:
        """The cluster's own folder."""
        return self.placement.data / "pgdata"

    def prepare(self) -> None:
        """Make the cluster when there is none; end a server that an earlier owner left behind."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not (self.data / "global" / "pg_control").is_file():
            self._initialise()
        self._own_files()
        self._end_orphan()

    def program(self, port: int) -> Program:
        """The command that serves the cluster on a port."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        server = str(self.placement.programs / "postgres")
        command = [server, "-D", str(self.data), "-h", LOOPBACK, "-p", str(port), *settings]
        return Program(command, identity=self.placement.identity, stop_signal=signal.SIGINT)

    def is_ready(self, pid: int) -> bool:
        """Whether that process serves this cluster and takes connections."""
        lines = self._pid_file()
        if len(lines) <= STATUS_LINE or lines[STATUS_LINE].strip() != "ready":
            return False
        return lines[PID_LINE].strip() == str(pid)

    def admin_url(self, port: int) -> str:
        """The superuser's address of the cluster."""
        password = self._password.read_text(encoding="utf-8").strip()
        return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{port}/postgres"

    def _initialise(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        handed = self.placement.data / ".password"
        handed.write_text(password, encoding="utf-8")
        handed.chmod(0o600)
        self._chown(handed)
        command = [
            *self.placement.identity.wrapper, self.placement.programs / "initdb", "-D", self.data, "-U", SUPERUSER,
            "--auth=scram-sha-256", f"--pwfile={handed}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(
            [str(part) for part in command],
            cwd="/", capture_output=True, text=True, check=False, **self.placement.identity.arguments(),
        )  # fmt: skip
        handed.unlink()
        if done.returncode != 0:
            raise PostgresFailed(done.stderr.strip() or done.stdout.strip())
        self._password.touch(mode=0o600)
        self._password.write_text(password, encoding="utf-8")

    def _own_files(self) -> None:
        """Give the files to whom the server runs as, when the checkout has moved between ways of running."""
        owner = NOBODY if self.placement.identity.drop else os.geteuid()
        if os.geteuid() != 0 or self.data.stat().st_uid == owner:
            return
        for path in (self.data, *self.data.rglob("*")):
            os.chown(path, owner, owner, follow_symlinks=False)

    def _chown(self, path: Path) -> None:
        if self.placement.identity.drop:
            os.chown(path, NOBODY, NOBODY)

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _end_orphan(self) -> None:
        """Only the owner calls this, so a server that still runs has lost its own."""
        lines = self._pid_file()
        pid = int(lines[PID_LINE]) if lines and lines[PID_LINE].strip().isdigit() else 0
        if not pid or not self._serves_us(pid):
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if is_running(pid):
            raise PostgresFailed(f"another Postgres (process {pid}) holds {self.data} and does not stop")

    def _serves_us(self, pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return str(self.data).encode() in command.split(b"\0")
