"""Leases of consumers: each broker outside of a live document is listened to by one worker process at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from apps.runs.adapters.pools import Pools
from apps.runs.adapters.sql import Statements

SQL = Statements("consumers")
LEASE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Consumer:
    """A row: one broker outside of one live version."""

    id: UUID
    tenant_id: UUID
    environment_id: UUID
    workflow_id: UUID
    version_id: UUID
    broker: str

    @property
    def label(self) -> str:
        """What stays the same over versions and workers."""
        return f"{self.environment_id}-{self.workflow_id}-{self.broker}"


class ConsumerLeases:
    """The leases of one owner (one worker process)."""

    def __init__(self, pools: Pools, owner: UUID) -> None:
        self._pools = pools
        self.owner = owner

    async def claim(self, limit: int, full: Collection[UUID]) -> list[Consumer]:
        """Take over up to `limit` consumers that nobody has, none of the tenants in `full`."""
        return await self._rows(SQL.claim, {"limit": limit, "full": list(full)})

    async def prolong(self, held: Collection[UUID]) -> list[Consumer]:
        """Prolong leases; return the rows still held, as they are now."""
        return await self._rows(SQL.prolong, {"consumers": list(held)})

    async def release(self) -> None:
        """Give every lease back."""
        async with self._pools.tenants() as connection:
            await connection.execute(SQL.release, {"owner": self.owner})

    async def _rows(self, statement: str, values: dict[str, Any]) -> list[Consumer]:
        async with self._pools.tenants() as connection:
            cursor = await connection.execute(statement, values | {"owner": self.owner, "lease": LEASE})
            return [Consumer(*row) for row in await cursor.fetchall()]
