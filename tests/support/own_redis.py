"""A Redis server that is nobody else's: a document's own, started and stopped as a test wants; it keeps nothing."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from apps.core.management.local.children import spawn, stop
from apps.core.management.local.ports import LOOPBACK, any_free
from apps.core.management.local.redis import Redis
from tests.support.waiting import wait_for

STOP_SECONDS = 10.0


class OwnRedis:
    """One server on one port, with a password."""

    def __init__(self, folder: Path) -> None:
        self._server = Redis(folder, print)
        self._port = any_free()
        self.password = self._server.password
        self.address = f"{LOOPBACK}:{self._port}"
        self.url = self._server.url(self._port)

    @contextmanager
    def up(self) -> Iterator[Any]:
        """Serve until the block ends; gives a client to look with."""
        child = spawn(self._server.program(self._port), subprocess.DEVNULL)
        try:
            wait_for(lambda: self._server.is_ready(self._port), timeout=30, what="Redis")
            with redis.Redis.from_url(self.url) as client:
                yield client
        finally:
            stop(child, signal.SIGTERM, STOP_SECONDS)
