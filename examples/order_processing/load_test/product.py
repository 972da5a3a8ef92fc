"""The running product as the load sees it: its address, its processes, its database."""

import base64
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from apps.core.sealing import Keys


class Product:
    """Reads the state file of `manage.py dev` anew whenever asked, because killed processes come back under new ids."""

    def __init__(self, state_file: Path) -> None:
        if not state_file.exists():
            raise SystemExit(f"{state_file} is missing: start the product with `python3 manage.py dev` first.")
        self._state_file = state_file
        state = self._state()
        self.address = urlsplit(state["base_url"])
        self.tenants: list[str] = state["demo_tenants"]
        self.deliveries_file = Path(state["deliveries_file"])
        self._relay_url: str = state["database_relay_url"]
        self._app_url: str = state["database_url"]
        self._keys = Keys([base64.b64decode(key) for key in state["encryption_keys"]])
        with psycopg.connect(self._app_url) as connection:
            found = connection.execute("select tenant_id from tenant_directory where slug = any(%s)", (self.tenants,))
            self._tenant_ids = [row[0] for row in found.fetchall()]

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
        return state

    def process_id(self, name: str) -> int | None:
        """Return the process id of `web` or `worker`, None while it is being brought back."""
        found = self._state()["processes"].get(name)
        return int(found) if found else None

    def path(self, tenant: str) -> str:
        """Return the address orders are posted to."""
        return f"/w/{tenant}/order-processing/orders"

    def ask(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one query as the product's own role, once in each demo tenant's scope, and return all rows."""
        rows: list[tuple[Any, ...]] = []
        with psycopg.connect(self._app_url) as connection:
            for tenant_id in self._tenant_ids:
                with connection.transaction():
                    connection.execute("select set_config('app.tenant', %s, true)", (str(tenant_id),))
                    rows += connection.execute(sql, parameters).fetchall()
        return rows

    def contents(self, sql: str, column: str, since: datetime) -> Iterator[tuple[str, str]]:
        """Give key and opened content of rows of `tenant_id`, key and what is sealed for `column`."""
        for tenant_id, key, sealed in self.ask(sql, (since,)):
            yield key, self._keys.opened(bytes(sealed), tenant_id, column).decode()

    def total(self, sql: str, parameters: tuple[Any, ...] = ()) -> int:
        """Run a counting query as `ask` does and add up what the tenants have."""
        return sum(int(row[0]) for row in self.ask(sql, parameters))

    def claimed_steps(self) -> int:
        """Count the steps that the worker running right now holds, over all tenants; a dead worker's leases do not."""
        alive = self.process_id("worker")
        if alive is None or not _is_alive(alive):
            return 0
        with psycopg.connect(self._relay_url) as connection:
            row = connection.execute(
                "select count(*) from runs_work w join runs_worker k on k.id = w.owner"
                " where w.lease_until > clock_timestamp() and k.pid = %s and k.host = %s",
                (alive, socket.gethostname()),
            ).fetchone()
        return int(row[0]) if row else 0

    def now(self) -> datetime:
        """Return the time of the database."""
        with psycopg.connect(self._app_url) as connection:
            row = connection.execute("select clock_timestamp()").fetchone()
        assert row is not None
        found: datetime = row[0]
        return found


def _is_alive(process_id: int) -> bool:
    """Whether the process runs; one that was killed and not yet collected does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Poll until `condition` holds; False when the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause)
    return condition()
