"""The whole product as its own processes, started by `manage.py dev` over a database and a Redis of the test run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.support.database import PREFIX, ROOT, TestDatabase
from tests.support.waiting import wait_for

START_SECONDS = 120.0
STOP_SECONDS = 60.0


@dataclass
class RunningProduct:
    """A product that answers; `folder` holds its state file, deliveries and log."""

    folder: Path
    process: subprocess.Popen[bytes]
    database: TestDatabase

    @property
    def state(self) -> dict[str, Any]:
        """Return what the supervisor last wrote about its processes."""
        return json.loads(self.state_file.read_text(encoding="utf-8"))

    @property
    def state_file(self) -> Path:
        """Return the file the supervisor keeps up to date."""
        return self.folder.with_suffix(".json")

    @property
    def url(self) -> str:
        """Return the address people would open."""
        return str(self.state["base_url"])

    @property
    def log(self) -> str:
        """Return everything the processes have printed so far."""
        return (self.folder.parent / "log.txt").read_text(encoding="utf-8", errors="replace")

    def process_id(self, name: str) -> int | None:
        """Return the process id of `web`, `worker` or `beat`."""
        found = self.state["processes"].get(name)
        return int(found) if found else None


@contextmanager
def running_product(folder: Path, clone_of: TestDatabase, *options: str) -> Iterator[RunningProduct]:
    """Start a product over a fresh copy of the migrated template; stop it and drop the copy at the end."""
    with _database_copy(clone_of) as database:
        redis = os.environ["WEFT_TEST_REDIS_URL"].rsplit("/", 1)[0] + "/7"
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        environment = (
            inherited
            | database.environment()
            | {
                "DATABASE_OWNER_URL": database.url("owner"),
                "ROLE_PREFIX": PREFIX,
                "REDIS_URL": redis,
                "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            }
        )
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "manage.py", "dev", "--quiet", "--folder", str(folder), *options]
        with (folder.parent / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        product = RunningProduct(folder, process, database)
        try:
            _wait_until_it_answers(product)
            yield product
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()


def _wait_until_it_answers(product: RunningProduct) -> None:
    def up() -> bool:
        if product.process.poll() is not None:
            raise AssertionError(f"the product ended while starting:\n{product.log[-4000:]}")
        return "Weft is running at" in product.log

    try:
        wait_for(up, timeout=START_SECONDS, what="the product's start")
    except AssertionError as late:
        raise AssertionError(f"{late}\n{product.log[-4000:]}") from None


@contextmanager
def _database_copy(clone_of: TestDatabase) -> Iterator[TestDatabase]:
    name = f"weft_clone_{os.getpid()}_{os.urandom(3).hex()}"
    with psycopg.connect(clone_of.admin_url, autocommit=True) as admin:
        template = admin.execute(
            "select datname from pg_database where datname like 'weft\\_template\\_%' order by oid desc limit 1"
        ).fetchone()
        assert template is not None
        admin.execute(
            sql.SQL("create database {} template {} owner {}").format(
                sql.Identifier(name), sql.Identifier(template[0]), sql.Identifier(f"{PREFIX}_owner")
            )
        )
    try:
        yield TestDatabase(name, clone_of.admin_url)
    finally:
        with psycopg.connect(clone_of.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
