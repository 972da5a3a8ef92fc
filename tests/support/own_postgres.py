"""A Postgres server that is nobody else's: a tenant's own, started and stopped as a test wants."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.core.management.local.children import spawn, stop
from apps.core.management.local.ports import LOOPBACK, any_free
from apps.core.management.local.postgres import FAST_AND_LOOSE, Postgres
from tests.support.waiting import wait_for

STOP_SECONDS = 10.0


class OwnPostgres:
    """One cluster on one port; it may go down and come up again with what it holds."""

    def __init__(self, folder: Path) -> None:
        self._server = Postgres(folder, FAST_AND_LOOSE)
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
