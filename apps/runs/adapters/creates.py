"""Creates that share a commit: requests whose only write is one new object, grouped per tenant as `app`.

The object and the row of its request stand or fall together. A key that is taken is reported to its caller alone; the
others of the group are stored. A group sent again after an unknown outcome finds its own objects and counts them as
stored.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import psycopg
from psycopg.pq import ExecStatus

from apps.runs.adapters.copying import run_with_copies
from apps.runs.adapters.group import GroupCommitter
from apps.runs.adapters.pools import Connection, begin_as, connect, hang_up
from apps.runs.adapters.rows import COPY_HEAD, COPY_TAIL
from apps.runs.adapters.sql import Statements

SQL = Statements("creates")
WRITER_SQL = Statements("writer")
CONNECTIONS = 2
MOST_TENANTS = 512


@dataclass(slots=True, frozen=True)
class Create:
    """One object with the request that made it, both encoded for COPY."""

    tenant_id: UUID
    run_id: UUID
    resource: bytes
    run: bytes


class CreateWriter:
    """One per process: a committer per tenant over a few connections of its own."""

    def __init__(self, app_url: str) -> None:
        self._url = app_url
        self._groups: OrderedDict[UUID, GroupCommitter[Create]] = OrderedDict()
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._statements = (
            f"; {SQL.copy_resources}; {WRITER_SQL.copy}; {SQL.insert_resources}; {WRITER_SQL.insert_runs}; commit"
        ).encode()

    async def write(self, create: Create) -> bool:
        """Store an object with its request; False when the object's key is taken and nothing was stored."""
        group = self._groups.get(create.tenant_id)
        if group is None:
            group = await self._group(create.tenant_id)
        else:
            self._groups.move_to_end(create.tenant_id)
        stored: bool = await group.put(create)
        return stored

    async def close(self) -> None:
        """Store what is queued and hang up."""
        groups, self._groups = list(self._groups.values()), OrderedDict()
        for group in groups:
            await group.close()
        idle, self._idle = self._idle, []
        for connection in idle:
            await hang_up(connection)

    async def _group(self, tenant_id: UUID) -> GroupCommitter[Create]:
        while len(self._groups) >= MOST_TENANTS:
            _, oldest = self._groups.popitem(last=False)
            await oldest.close()
        group = self._groups.get(tenant_id)
        if group is None:
            group = GroupCommitter(
                partial(self._execute, tenant_id),
                lambda create: create.tenant_id,
                name="creates",
                size_of=lambda create: len(create.resource) + len(create.run),
            )
            group.start()
            self._groups[tenant_id] = group
        return group

    async def _execute(self, tenant_id: UUID, creates: Sequence[Create]) -> list[bool]:
        async with self._free:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                taken = await self._store(connection, tenant_id, creates)
            except psycopg.errors.UndefinedTable as error:
                await hang_up(connection)
                raise psycopg.OperationalError("the pooler gave another connection") from error
            except BaseException:
                await hang_up(connection)
                raise
            self._idle.append(connection)
        return [create.run_id not in taken for create in creates]

    async def _store(self, connection: Connection, tenant_id: UUID, creates: Sequence[Create]) -> set[UUID]:
        resources = b"".join((COPY_HEAD, *(create.resource for create in creates), COPY_TAIL))
        runs = b"".join((COPY_HEAD, *(create.run for create in creates), COPY_TAIL))
        results = await run_with_copies(connection, begin_as(tenant_id) + self._statements, [resources, runs])
        return {
            UUID(bytes(result.get_value(row, 0) or b"").decode())
            for result in results
            if result.status == ExecStatus.TUPLES_OK
            for row in range(result.ntuples)
        }

    async def _connect(self) -> Connection:
        return await connect(self._url, "runs-creates", WRITER_SQL.make_temporary, SQL.make_temporary)
