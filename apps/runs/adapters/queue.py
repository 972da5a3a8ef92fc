"""Claims and lanes, as `relay`: who drives which run, and which message of a lane is next (data.md 6, 7)."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from psycopg import AsyncConnection

from apps.core.crypto import Undecipherable
from apps.core.sealing import opened
from apps.runs.adapters.pools import Connection, Pools, begin_for
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import MESSAGE_HEADERS, MESSAGE_PAYLOAD, RECEIPT, RUN_INPUT, RUN_PROGRESS

SQL = Statements("queue")
log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=30)
TRY_GRACE = timedelta(seconds=30)  # beyond a step's limit, within which its own worker may still end the try


@dataclass(slots=True)
class ClaimedRun:
    """A run in this worker's hands."""

    id: UUID
    tenant_id: UUID
    environment_id: UUID
    workflow_id: UUID
    version_id: UUID
    version_number: int
    entry: str
    source: str
    section: str
    action: str
    workflow_name: str
    request_id: str
    progress: bytes
    input: bytes | None
    sequence: int
    delivery_id: UUID | None
    started_at: datetime
    claimed_at: datetime
    epoch: int
    was_taken: bool  # an earlier owner went silent
    crashes: int  # how many of them did so in a row
    is_overdue: bool  # its earlier owner was alive, but in a try that had not ended in its time
    effects: dict[tuple[UUID, int], bytes | None]  # (step key, attempt) -> receipt


@dataclass(slots=True)
class LaneHead:
    """The next message of a lane that nobody holds; `delivery_id` is None when its number is gone."""

    lane_id: UUID
    tenant_id: UUID
    environment_id: UUID
    workflow_id: UUID
    subscription: str
    key: str
    delivery_id: UUID | None
    message_id: UUID | None
    replays: int


@dataclass(slots=True)
class MessageRow:
    """What a handler gets to see of a message; payload and headers are still sealed."""

    id: UUID
    tenant_id: UUID
    topic: str
    key: str | None
    headers: bytes | None
    payload: bytes

    def opened(self) -> tuple[bytes, bytes | None]:
        """Return payload and headers. Raises `Undecipherable`."""
        return opened(self.payload, self.tenant_id, MESSAGE_PAYLOAD), opened(
            self.headers, self.tenant_id, MESSAGE_HEADERS
        )


class Queue:
    """The queue tables for one owner (one worker process)."""

    def __init__(self, pools: Pools, owner: UUID) -> None:
        self._pools = pools
        self.owner = owner

    async def claim(self, limit: int) -> list[ClaimedRun]:
        """Take up to `limit` ready runs and load where they stand."""
        async with self._pools.tenants() as connection:
            taken = await _rows(connection, SQL.claim, {"limit": limit, "owner": self.owner, "lease": LEASE})
            if not taken:
                return []
            claims = {row[1]: row[2:] for row in taken}
            await see_tenants(connection, {row[0] for row in taken})
            runs = await _rows(connection, SQL.load_runs, {"runs": list(claims)})
            effects: dict[UUID, dict[tuple[UUID, int], bytes | None]] = {}
            for run_id, key, attempt, receipt in await _rows(connection, SQL.load_effects, {"runs": list(claims)}):
                effects.setdefault(run_id, {})[key, attempt] = receipt
            found = {row[0] for row in runs}
            finished = [run_id for run_id in claims if run_id not in found]
            if finished:
                await connection.execute(SQL.drop_orphans, {"runs": finished, "owner": self.owner})
        return [_claimed(row, claims[row[0]], effects.get(row[0], {})) for row in runs]

    async def lane_heads(self, connection: Connection, limit: int) -> list[LaneHead]:
        """Lock up to `limit` free lanes with something to deliver, for the transaction of `connection`."""
        return [LaneHead(*row) for row in await _rows(connection, SQL.claim_lanes, {"limit": limit})]

    async def messages(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, MessageRow]:
        """Load messages of the tenants in the transaction's scope."""
        rows = await _rows(connection, SQL.load_messages, {"messages": list(ids)})
        return {row[0]: MessageRow(*row) for row in rows}

    async def hold(self, connection: Connection, held: Sequence[tuple[LaneHead, UUID]]) -> None:
        """Give each lane to the run that handles its head."""
        runs = [run_id for _, run_id in held]
        await connection.execute(SQL.hold_lanes, {"lanes": [head.lane_id for head, _ in held], "runs": runs})
        await connection.execute(
            SQL.start_deliveries, {"deliveries": [head.delivery_id for head, _ in held], "runs": runs}
        )

    async def postpone(self, connection: Connection, heads: Sequence[LaneHead]) -> None:
        """Have these lanes looked at again in a while."""
        if heads:
            await connection.execute(SQL.postpone_lanes, {"lanes": [head.lane_id for head in heads]})

    async def skip(self, connection: Connection, heads: Sequence[LaneHead]) -> None:
        """Leave out heads that nothing takes in any more; those still there become dead letters."""
        if not heads:
            return
        await connection.execute(SQL.skip_heads, {"lanes": [head.lane_id for head in heads]})
        buried = [head.delivery_id for head in heads if head.delivery_id is not None]
        if buried:
            await connection.execute(SQL.bury, {"deliveries": buried})

    async def bury(self, connection: Connection, heads: Sequence[tuple[LaneHead, UUID]]) -> None:
        """As `skip`; each dead letter has a failed run that tells the reason."""
        runs = [run_id for _, run_id in heads]
        await connection.execute(
            SQL.start_deliveries, {"deliveries": [head.delivery_id for head, _ in heads], "runs": runs}
        )
        await connection.execute(SQL.mark_dead, {"runs": runs})
        await self.skip(connection, [head for head, _ in heads])

    async def heartbeat(self, runs: Mapping[UUID, datetime | None]) -> set[UUID]:
        """As `prolong`; and say that this worker is alive."""
        seen = {"owner": self.owner, "host": socket.gethostname(), "pid": os.getpid()}
        async with self._pools.tenants() as connection:
            await connection.execute(SQL.worker_seen, seen)
        return await self.prolong(runs)

    async def prolong(self, runs: Mapping[UUID, datetime | None]) -> set[UUID]:
        """Prolong leases and return the runs still held.

        `runs` says by when the try that each is in must have ended, None between tries: no lease goes beyond that, so
        that a run whose worker hangs is taken by another one, however alive the worker is (law 7).
        """
        if not runs:
            return set()
        async with self._pools.tenants() as connection:
            untils = list(runs.values())
            values = {"runs": list(runs), "untils": untils, "owner": self.owner, "lease": LEASE}
            return {row[0] for row in await _rows(connection, SQL.heartbeat, values)}

    async def forgive(self, run_id: UUID) -> None:
        """Leave a run to its lease without holding that against it: nothing was tried."""
        async with self._pools.tenants() as connection:
            await connection.execute(SQL.forgive, {"run": run_id, "owner": self.owner})

    async def adopt(self, run_id: UUID) -> int | None:
        """Claim one run that this process has just accepted; return its epoch, None when somebody else has it."""
        async with self._pools.tenants() as connection:
            rows = await _rows(connection, SQL.adopt, {"run": run_id, "owner": self.owner})
        return rows[0][0] if rows else None

    async def release(self) -> None:
        """Give every lease back and sign off."""
        async with self._pools.tenants() as connection:
            await connection.execute(SQL.release, {"owner": self.owner})
            await connection.execute(SQL.worker_gone, {"owner": self.owner})


def _claimed(row: tuple[Any, ...], claim: tuple[Any, ...], effects: dict[tuple[UUID, int], bytes | None]) -> ClaimedRun:
    values: list[Any] = [*row, *claim, effects]
    claimed = ClaimedRun(*values)
    tenant_id = claimed.tenant_id
    claimed.progress = _readable(claimed.progress, tenant_id, RUN_PROGRESS)
    claimed.input = _readable(claimed.input, tenant_id, RUN_INPUT)
    for key, receipt in effects.items():
        effects[key] = _readable(receipt, tenant_id, RECEIPT)
    return claimed


def _readable(data: Any, tenant_id: UUID, column: str) -> Any:
    """Open a value; one that does not open stays as it is, so that its run fails by itself and not the whole claim."""
    try:
        return opened(data, tenant_id, column)
    except Undecipherable:
        log.exception("claim.undecipherable", tenant_id=str(tenant_id), column=column)
        return data


async def see_tenants(connection: AsyncConnection[Any], tenants: set[UUID]) -> None:
    """Widen the scope of a `relay` transaction to these tenants."""
    await connection.execute(begin_for(tenants).removeprefix(b"begin; "))


async def _rows(connection: Connection, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement, values)
    return await cursor.fetchall()
