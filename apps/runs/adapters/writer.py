"""The group-commit writer: run rows (and the work rows of accepted runs) of all tenants, as `relay` (data.md 5)."""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple
from uuid import UUID

from apps.runs.adapters.batches import BatchConnection, BatchConnections, Call, array_of
from apps.runs.adapters.group import GroupCommitter
from apps.runs.adapters.sql import Statements

SQL = Statements("writer")
WIDTH = 2  # groups under way at a time: while one is committed the process answers those of the other


class EncodedRun(NamedTuple):
    """One row for the writer; `has_work` tells that it is a run to be driven by a worker."""

    tenant_id: UUID
    data: bytes
    has_work: bool = False


class RunWriter:
    """One per process, with connections of its own."""

    def __init__(self, relay_url: str, *, queue: int = 10_000) -> None:
        types = {"runs_new": SQL.columns}
        statements = {
            "scope": SQL.scope,
            "runs": f"{SQL.insert_runs} {SQL.from_array} {SQL.once}",
            "runs_and_work": (f"{SQL.new}, runs as ({SQL.insert_runs} {SQL.from_new} {SQL.once}) {SQL.insert_work}"),
        }
        self._connections = BatchConnections(
            [BatchConnection(relay_url, "runs-writer", types, statements) for _ in range(WIDTH)]
        )
        self.group: GroupCommitter[EncodedRun] = GroupCommitter(
            self._execute,
            lambda row: row.tenant_id,
            name="runs",
            queue=queue,
            width=WIDTH,
            size_of=lambda row: len(row.data),
        )

    def start(self) -> None:
        """Begin writing, in the running loop."""
        self.group.start()

    def write(self, row: EncodedRun) -> Awaitable[None]:
        """Store a row; what is returned is done after its commit."""
        return self.group.put(row)

    async def write_later(self, row: EncodedRun) -> None:
        """Store a row without waiting for its commit."""
        await self.group.offer(row)

    async def close(self) -> None:
        """Store what is queued and hang up."""
        await self.group.close()
        await self._connections.close()

    async def _execute(self, rows: Sequence[EncodedRun]) -> Sequence[None]:
        tenants = ",".join([str(tenant_id) for tenant_id in {row.tenant_id for row in rows}])
        statement = "runs_and_work" if any(row.has_work for row in rows) else "runs"
        calls = [Call("scope", f"{{{tenants}}}".encode()), Call(statement, array_of([row.data for row in rows]))]
        await self._connections.run(calls)
        return [None] * len(rows)
