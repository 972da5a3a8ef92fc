"""What one process holds for all its units of work: pools, group committers, ledger, clock, limits."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from apps.engine.ids import uuid7
from apps.engine.ports import Http
from apps.engine.process_memory import ProcessMemory
from apps.engine.token_buckets import TokenBuckets
from apps.engine.wires import Wires
from apps.runs.adapters import journal
from apps.runs.adapters.broker import LivePlace
from apps.runs.adapters.cache import RedisCaches
from apps.runs.adapters.clock import DatabaseClock
from apps.runs.adapters.creates import CreateWriter
from apps.runs.adapters.databases import Guard
from apps.runs.adapters.effects import LedgerWriter
from apps.runs.adapters.group import GroupCommitter
from apps.runs.adapters.journal import Change
from apps.runs.adapters.live import LiveHints
from apps.runs.adapters.metrics import SharedSamples
from apps.runs.adapters.pools import Pools
from apps.runs.adapters.secrets import Lookup
from apps.runs.adapters.writer import RunWriter


class ClosableHttp(Http, Protocol):
    """The way out, with connections to give up at the end."""

    async def close(self) -> None:
        """Close all connections."""


class ClosableWires(Wires, Protocol):
    """The way to brokers outside, with connections to give up at the end."""

    async def close(self) -> None:
        """Close all connections."""


@dataclass(eq=False)
class Services:
    """Built once per process and event loop; `start` before use, `close` at the end."""

    pools: Pools
    http: ClosableHttp
    wires: ClosableWires
    secrets: Lookup
    live_place: LivePlace
    compiled_place: LivePlace  # as `live_place`, but raises `DocumentRefused` for what is live and cannot be compiled
    hints: LiveHints
    caches: RedisCaches
    samples: SharedSamples
    database_guard: Guard
    data_folder: Path
    owner: UUID = field(default_factory=uuid7)
    clock: DatabaseClock = field(default_factory=DatabaseClock)
    buckets: TokenBuckets = field(default_factory=lambda: TokenBuckets(time.monotonic))
    memory: ProcessMemory = field(default_factory=lambda: ProcessMemory(time.monotonic))

    def __post_init__(self) -> None:
        self.writer = RunWriter(self.pools.relay_url)
        self.creates = CreateWriter(self.pools.app_url)
        self.ledger = LedgerWriter(self.pools)
        self.journal: GroupCommitter[Change] = GroupCommitter(
            self._write_journal, lambda change: change.tenant_id, name="journal", group=200
        )

    async def start(self) -> None:
        """Open the pools and begin committing, in the running loop."""
        await self.pools.open()
        for group in (self.writer.group, self.creates.group, self.ledger.group, self.journal):
            group.start()
        self.hints.start()
        self.samples.start()

    async def close(self) -> None:
        """Commit what is queued, then close everything."""
        await self.journal.close()
        await self.ledger.group.close()
        await self.creates.close()
        await self.writer.close()
        await self.hints.close()
        await self.samples.close()
        await self.caches.close()
        await self.http.close()
        await self.wires.close()
        await self.pools.close()

    async def measure_clock(self) -> None:
        """Take over the database's time."""
        async with self.pools.relay.connection() as connection:
            cursor = await connection.execute("select weft_now()")
            row = await cursor.fetchone()
            if row is not None:
                self.clock.adjust(row[0])

    async def _write_journal(self, changes: Sequence[Change]) -> Sequence[int | None]:
        return await journal.write_group(self.pools, changes)
