"""A Postgres server that is nobody else's: a tenant's own, started and stopped as a test wants.

Making a cluster takes longer than most that is done with it, so it is made once in a process of tests and copied.
"""

import atexit
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from apps.core.management.local.children import spawn, stop
from apps.core.management.local.ports import LOOPBACK, any_free
from apps.core.management.local.postgres import FAST_AND_LOOSE, Postgres
from tests.support.waiting import wait_for

STOP_SECONDS = 10.0
PASSWORD = "superuser"  # the file beside the cluster


@cache
def _fresh() -> tuple[Path, Path]:
    """Return the folder of a cluster that was never started, and the file with its password."""
    made = TemporaryDirectory(prefix="weft-postgres-")
    atexit.register(made.cleanup)
    server = Postgres(Path(made.name), FAST_AND_LOOSE)
    server.prepare()
    return server.data, Path(made.name, PASSWORD)


class OwnPostgres:
    """One cluster on one port; it may go down and come up again with what it holds."""

    def __init__(self, folder: Path) -> None:
        self._server = Postgres(folder, FAST_AND_LOOSE)
        cluster, password = _fresh()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(password, folder / PASSWORD)
        shutil.copytree(cluster, self._server.data)
        self._server.prepare()
        self._port = any_free()
        self.address = f"{LOOPBACK}:{self._port}"

    @property
    def url(self) -> str:
        """Return its superuser's address."""
        return self._server.admin_url(self._port)

    @contextmanager
    def up(self) -> Iterator[str]:
        """Serve until the block ends; gives the address."""
        child = spawn(self._server.program(self._port), subprocess.DEVNULL)
        try:
            wait_for(lambda: self._server.is_ready(child.pid), timeout=30, what="Postgres")
            yield self.url
        finally:
            stop(child, signal.SIGINT, STOP_SECONDS)
