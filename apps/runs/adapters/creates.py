"""Creates that share a commit: requests whose only write is one new object, those of all tenants together, as `app`.

The object and the row of its request stand or fall together. `app` acts for one tenant at a time, so the rows of all
arrive in a temporary table and are then stored tenant by tenant, each in its own scope, with one commit for all. A key
that is taken is reported to its caller alone; the others of the group are stored. A group sent again after an unknown
outcome finds its own objects and counts them as stored.

A key that a transaction in progress has written must be waited for, and with it everybody in the group. So a group
waits for a moment only, and then its tenant stores by itself for a while.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.errors import LockNotAvailable
from psycopg.pq.abc import PGresult

from apps.runs.adapters.copying import CopyConnection, CopyConnections
from apps.runs.adapters.group import GroupCommitter
from apps.runs.adapters.pools import begin_as, scope_as
from apps.runs.adapters.rows import COPY_HEAD, COPY_TAIL
from apps.runs.adapters.sql import Statements

SQL = Statements("creates")
WRITER_SQL = Statements("writer")
COPY = f"; {SQL.copy}".encode()
STORE = b"; execute create_resources; execute create_runs"
PATIENCE = b"; set local lock_timeout = '50ms'"
APART_SECONDS = 10.0
MOST_APART = 10_000
GROUP = 250
WIDTH = 2  # groups under way at a time, as the group writer


class Contended(Exception):
    """Somebody is at a key of this tenant: nothing was stored, and its creates go by themselves for a while."""


@dataclass(slots=True, frozen=True)
class Create:
    """One object with the request that made it, encoded for COPY (`rows.create_row`)."""

    tenant_id: UUID
    run_id: UUID
    data: bytes


class CreateWriter:
    """One per process, with connections of its own."""

    def __init__(self, app_url: str) -> None:
        tables = {"creates_new": f"{WRITER_SQL.make_temporary}; {SQL.make_temporary}"}
        statements = {
            "create_resources": SQL.insert_resources,
            "create_runs": f"{WRITER_SQL.insert_runs} {SQL.from_new} {WRITER_SQL.once}",
        }
        self._connections = CopyConnections(
            [CopyConnection(app_url, "runs-creates", tables, statements) for _ in range(WIDTH)]
        )
        self._apart: dict[UUID, float] = {}  # tenants that store by themselves, and until when
        self.group: GroupCommitter[Create] = GroupCommitter(
            self._execute,
            lambda create: create.tenant_id,
            name="creates",
            group=GROUP,
            width=WIDTH,
            size_of=lambda create: len(create.data),
        )

    def start(self) -> None:
        """Begin writing, in the running loop."""
        self.group.start()

    async def write(self, create: Create) -> bool:
        """Store an object with its request; False when the object's key is taken and nothing was stored.

        Raises `Contended`.
        """
        if self._apart and self._is_apart(create.tenant_id):
            raise Contended
        stored: bool = await self.group.put(create)
        return stored

    async def close(self) -> None:
        """Store what is queued and hang up."""
        await self.group.close()
        await self._connections.close()

    def _is_apart(self, tenant_id: UUID) -> bool:
        until = self._apart.get(tenant_id, 0.0)
        if until and until < time.monotonic():
            del self._apart[tenant_id]
        return until >= time.monotonic()

    async def _execute(self, creates: Sequence[Create]) -> list[bool]:
        tenants = {create.tenant_id for create in creates}
        try:
            return await self._store(creates, *tenants)
        except LockNotAvailable:
            if len(tenants) > 1:
                raise  # the committer tries again tenant by tenant
            if len(self._apart) >= MOST_APART:
                self._apart.clear()
            self._apart[tenants.pop()] = time.monotonic() + APART_SECONDS
            raise Contended from None

    async def _store(self, creates: Sequence[Create], first: UUID, *others: UUID) -> list[bool]:
        parts = [COPY, STORE]
        for tenant_id in others:
            parts += [b"; ", scope_as(tenant_id), STORE]
        rows = b"".join((COPY_HEAD, *(create.data for create in creates), COPY_TAIL))
        results = await self._connections.run(begin_as(first) + PATIENCE, b"".join(parts), [rows])
        taken = _taken(results)
        return [create.run_id not in taken for create in creates]


def _taken(results: Iterable[PGresult]) -> set[UUID]:
    """Return the runs whose rows were taken out again, because the keys of their objects are taken."""
    removed = [result for result in results if (result.command_status or b"").startswith(b"DELETE") and result.nfields]
    return {
        UUID(bytes(result.get_value(row, 0) or b"").decode()) for result in removed for row in range(result.ntuples)
    }
