"""The effect ledger over Postgres (`engine.ports.Effects`): each entry is committed at once, in groups."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.core.sealing import seal
from apps.engine.ids import uuid7
from apps.runs.adapters.group import GroupCommitter
from apps.runs.adapters.payloads import dumped
from apps.runs.adapters.pools import Pools
from apps.runs.adapters.rows import clean
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import RECEIPT

SQL = Statements("effects")
Settle = Callable[[UUID, UUID], Awaitable[None]]


@dataclass(slots=True, frozen=True)
class Entry:
    """An intent, or (with `receipt`) what came back for one."""

    tenant_id: UUID
    run_id: UUID
    step_key: UUID
    attempt: int
    kind: str = ""
    effect: str = ""
    key: str = ""
    receipt: bytes | None = None


class LedgerWriter:
    """Writes intents and receipts of all tenants in groups, as `relay`.

    `on_settled(tenant, run)` is called when a receipt arrived for a run that waits for exactly that.
    """

    def __init__(self, pools: Pools, on_settled: Settle | None = None) -> None:
        self._pools = pools
        self.on_settled = on_settled
        self.group: GroupCommitter[Entry] = GroupCommitter(self._execute, lambda entry: entry.tenant_id, name="effects")

    async def write(self, entry: Entry) -> None:
        """Commit one entry; a receipt for an unknown effect settles it."""
        is_unknown = await self.group.put(entry)
        if is_unknown and self.on_settled is not None:
            await self.on_settled(entry.tenant_id, entry.run_id)

    async def _execute(self, entries: Sequence[Entry]) -> Sequence[bool]:
        intents = [entry for entry in entries if entry.receipt is None]
        receipts = [entry for entry in entries if entry.receipt is not None]
        unknown: set[UUID] = set()
        async with self._pools.tenants({entry.tenant_id for entry in entries}) as connection:
            if intents:
                await connection.execute(SQL.intend, _intent_columns(intents))
            if receipts:
                await connection.execute(SQL.receive, _receipt_columns(receipts))
                cursor = await connection.execute(SQL.unknown_runs, {"runs": [entry.run_id for entry in receipts]})
                unknown = {row[0] for row in await cursor.fetchall()}
        return [entry.receipt is not None and entry.run_id in unknown for entry in entries]


class Ledger:
    """`engine.ports.Effects` for one run."""

    def __init__(
        self, writer: LedgerWriter, tenant_id: UUID, run_id: UUID, before: Callable[[], Awaitable[None]]
    ) -> None:
        self._writer = writer
        self._before = before  # what the unit must know for certain before anything leaves the house
        self._tenant_id = tenant_id
        self._run_id = run_id

    async def intend(self, step_id: UUID, attempt: int, *, kind: str, effect: str, key: str) -> None:
        """Commit the intent now, before anything leaves."""
        await self._before()
        await self._writer.write(Entry(self._tenant_id, self._run_id, step_id, attempt, kind, effect, key))

    async def receipt(self, step_id: UUID, attempt: int, data: Any) -> None:
        """Record what came back; accepted whatever the state of the run. Raises `PayloadTooLarge`."""
        await self._writer.write(Entry(self._tenant_id, self._run_id, step_id, attempt, receipt=dumped(data)))


def _intent_columns(entries: list[Entry]) -> dict[str, Any]:
    return {
        "ids": [uuid7() for _ in entries],
        "tenants": [entry.tenant_id for entry in entries],
        "runs": [entry.run_id for entry in entries],
        "keys": [entry.step_key for entry in entries],
        "attempts": [entry.attempt for entry in entries],
        "kinds": [clean(entry.kind) for entry in entries],
        "effects": [entry.effect for entry in entries],
        "texts": [clean(entry.key) for entry in entries],
    }


def _receipt_columns(entries: list[Entry]) -> dict[str, Any]:
    return {
        "tenants": [entry.tenant_id for entry in entries],
        "keys": [entry.step_key for entry in entries],
        "attempts": [entry.attempt for entry in entries],
        "receipts": [seal(entry.receipt, entry.tenant_id, RECEIPT) for entry in entries],
    }
