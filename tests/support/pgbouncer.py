"""A real PgBouncer in transaction mode in front of a test's database, Debian's package."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from apps.core.management.local.debian import install
from apps.core.management.local.ports import any_free, is_free
from tests.support.database import PASSWORD, PREFIX, TestDatabase
from tests.support.waiting import wait_for

SETTINGS = """
[databases]
{name} = host={host} port={port} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
ignore_startup_parameters = extra_float_digits
"""


@contextmanager
def pooled(database: TestDatabase, folder: Path) -> Iterator[dict[str, str]]:
    """Serve `app` and `relay` through a pooler with three server connections each, in turn; yields their URLs."""
    program = _program()
    behind = urlsplit(database.admin_url)
    listen = any_free()
    users = folder / "users.txt"
    users.write_text("".join(f'"{PREFIX}_{role}" "{PASSWORD}"\n' for role in ("app", "relay")), encoding="utf-8")
    given = {"name": database.name, "host": behind.hostname, "port": behind.port, "listen": listen, "users": users}
    file = folder / "pgbouncer.ini"
    file.write_text(SETTINGS.format(**given), encoding="utf-8")
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and as_nobody:
            path.chmod(path.stat().st_mode | 0o011 | (0o044 if path == folder else 0))
    server = subprocess.Popen([program, "-q", str(file)], stdin=subprocess.DEVNULL, **as_nobody)
    try:
        wait_for(lambda: not is_free(listen), timeout=10, what="the pooler")
        yield {role: _through(database.url(role), listen) for role in ("app", "relay")}
    finally:
        server.terminate()
        server.wait(10)


def _program() -> str:
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None and install("pgbouncer", print):
        found = shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        pytest.skip("PgBouncer is missing: install the Debian package pgbouncer")
    return found


def _through(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))
