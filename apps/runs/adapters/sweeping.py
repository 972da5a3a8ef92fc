"""Connections for sweeps, kept from one to the next: some run every second, and a new one costs more than they do."""

import atexit
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings

Connection = psycopg.Connection[Any]
MOST_KEPT = 2
RENAME = "select set_config('application_name', %s, false)"


class SweepConnections:
    """Connections as `relay` of one process, each lent to one thread at a time; never more than are used at once."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Connection]] = []  # with the URL that each was made for
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, name: str) -> Iterator[Connection]:
        """Give a connection in autocommit that the server knows by `name`; one that an error reached is closed.

        Raises what `psycopg.connect` does. Nothing is prepared: behind a pooler the next transaction's server may not
        know it, or know it already.
        """
        url = str(settings.DATABASE_RELAY_URL)
        connection = self._take(url, name) or psycopg.connect(
            url, application_name=name, prepare_threshold=None, autocommit=True
        )
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._keep(url, connection)

    def close(self) -> None:
        """Hang up those that are kept; there may be others afterwards."""
        while self._kept:
            self._kept.pop()[1].close()

    def _take(self, url: str, name: str) -> Connection | None:
        """Return one that still answers."""
        while True:
            with self._lock:
                if not self._kept:
                    return None
                made_for, connection = self._kept.pop()
            with contextlib.suppress(psycopg.Error):
                if made_for == url:
                    connection.execute(RENAME, (name,))
                    return connection
            connection.close()

    def _keep(self, url: str, connection: Connection) -> None:
        with self._lock:
            if len(self._kept) < MOST_KEPT and not connection.closed:
                self._kept.append((url, connection))
                return
        connection.close()


sweep_connections = SweepConnections()
atexit.register(sweep_connections.close)
