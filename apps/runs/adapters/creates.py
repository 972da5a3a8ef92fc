"""Creates that share a commit: requests whose only write is one new object, those of all tenants together, as `app`.

The object and the row of its request stand or fall together. `app` acts for one tenant at a time, so the rows are
stored tenant by tenant, each in its own scope, with one commit for all. A key that is taken is reported to its caller
alone; the others of the group are stored. A group sent again after an unknown outcome finds its own objects and counts
them as stored.

A key that a transaction in progress has written must be waited for, and with it everybody in the group. So a group
waits for a moment only, and then its tenant stores by itself for a while.
"""

import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import LockNotAvailable
from psycopg.pq.abc import PGresult

from apps.runs.adapters.batches import BatchConnection, BatchConnections, Call, array_of
from apps.runs.adapters.group import GroupCommitter
from apps.runs.adapters.sql import Statements

SQL = Statements("creates")
WRITER_SQL = Statements("writer")
APART_SECONDS = 10.0
MOST_APART = 10_000
GROUP = 250
WIDTH = 2  # groups under way at a time, as the group writer


class Contended(Exception):
    """Somebody is at a key of this tenant: nothing was stored, and its creates go by themselves for a while."""


class Create(NamedTuple):
    """One object with the request that made it, encoded (`rows.create_row`)."""

    tenant_id: UUID
    run_id: UUID
    data: bytes


class CreateWriter:
    """One per process, with connections of its own."""

    def __init__(self, app_url: str) -> None:
        types = {"creates_new": f"{WRITER_SQL.columns}, {SQL.columns}"}
        insert_runs = f"{WRITER_SQL.insert_runs} {SQL.from_kept} {WRITER_SQL.once}"
        statements = {
            "scope": SQL.scope,
            "store": f"{SQL.insert_resources}, runs as ({insert_runs}) {SQL.taken}",
        }
        self._connections = BatchConnections(
            [BatchConnection(app_url, "runs-creates", types, statements, (SQL.patience,)) for _ in range(WIDTH)]
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

    def write(self, create: Create) -> Awaitable[bool]:
        """Store an object with its request; False, once awaited, when its key is taken and nothing was stored.

        Raises `Contended`, at once or when awaited.
        """
        if self._apart and self._is_apart(create.tenant_id):
            raise Contended
        return self.group.put(create)

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
        rows: dict[UUID, list[bytes]] = {}
        for create in creates:
            rows.setdefault(create.tenant_id, []).append(create.data)
        try:
            taken = await self._store(rows)
        except LockNotAvailable:
            if len(rows) > 1:
                raise  # the committer tries again tenant by tenant
            if len(self._apart) >= MOST_APART:
                self._apart.clear()
            self._apart[creates[0].tenant_id] = time.monotonic() + APART_SECONDS
            raise Contended from None
        return [create.run_id not in taken for create in creates] if taken else [True] * len(creates)

    async def _store(self, rows: Mapping[UUID, Sequence[bytes]]) -> set[UUID]:
        """Store the rows of each tenant; return the runs that were not, because the keys of their objects are taken."""
        calls: list[Call] = []
        for tenant_id, encoded in rows.items():
            calls += (Call("scope", str(tenant_id).encode()), Call("store", array_of(encoded)))
        results = await self._connections.run(calls)
        return {run_id for result in results[1::2] for run_id in _ids(result)}


def _ids(result: PGresult) -> list[UUID]:
    return [UUID((result.get_value(row, 0) or b"").decode()) for row in range(result.ntuples)]
