"""The group-commit writer: run rows (and the work rows of accepted runs) of all tenants, as `relay` (data.md 5).

Postgres refuses COPY into a table with row-level security, so a group goes through a temporary table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.runs.adapters.copying import CopyConnection, CopyConnections
from apps.runs.adapters.group import GroupCommitter
from apps.runs.adapters.pools import begin_for
from apps.runs.adapters.rows import COPY_HEAD, COPY_TAIL
from apps.runs.adapters.sql import Statements

SQL = Statements("writer")
WIDTH = 2  # groups under way at a time: while one is committed the process answers those of the other


@dataclass(slots=True, frozen=True)
class EncodedRun:
    """One row for the writer; `has_work` tells that it is a run to be driven by a worker."""

    tenant_id: UUID
    data: bytes
    has_work: bool = False


class RunWriter:
    """One per process, with connections of its own."""

    def __init__(self, relay_url: str, *, queue: int = 10_000) -> None:
        statements = {"write_runs": f"{SQL.insert_runs} {SQL.from_new} {SQL.once}", "write_work": SQL.insert_work}
        self._connections = CopyConnections(
            [
                CopyConnection(relay_url, "runs-writer", {"runs_new": SQL.make_temporary}, statements)
                for _ in range(WIDTH)
            ]
        )
        self._runs_only = f"; {SQL.copy}; execute write_runs".encode()
        self._runs_and_work = f"; {SQL.copy}; execute write_runs; execute write_work".encode()
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

    async def write(self, row: EncodedRun) -> None:
        """Store a row and return after its commit."""
        await self.group.put(row)

    async def write_later(self, row: EncodedRun) -> None:
        """Store a row without waiting for its commit."""
        await self.group.offer(row)

    async def close(self) -> None:
        """Store what is queued and hang up."""
        await self.group.close()
        await self._connections.close()

    async def _execute(self, rows: Sequence[EncodedRun]) -> Sequence[None]:
        data = b"".join((COPY_HEAD, *(row.data for row in rows), COPY_TAIL))
        statements = self._runs_and_work if any(row.has_work for row in rows) else self._runs_only
        await self._connections.run(begin_for({row.tenant_id for row in rows}), statements, [data])
        return [None] * len(rows)
