"""Settle effects of which nobody knows whether they happened (engine.md law 5)."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from apps.core.jobs import bell
from apps.core.sealing import opened, seal
from apps.engine.run.decide import decide
from apps.engine.run.program import Program
from apps.engine.run.state import Settled, Status
from apps.runs.adapters.payloads import state_read, state_stored
from apps.runs.adapters.pools import Connection
from apps.runs.adapters.rows import shard_of
from apps.runs.adapters.services import Services
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import RUN_INPUT, RUN_PROGRESS

log = structlog.get_logger(__name__)
SQL = Statements("settle")
NO_STEPS = Program("", ())


def effect_settle_by_receipt(services: Services) -> Callable[[UUID, UUID], Awaitable[None]]:
    """Return what the ledger calls when a late receipt arrives for a run that waits for it."""

    async def settle(tenant_id: UUID, run_id: UUID) -> None:
        async with services.pools.tenants({tenant_id}) as connection:
            if await _wake(connection, services, tenant_id, run_id):
                log.info("effect.settled_by_receipt", run_id=str(run_id))
        bell.ring()

    return settle


async def _wake(connection: Connection, services: Services, tenant_id: UUID, run_id: UUID) -> bool:
    cursor = await connection.execute(SQL.lock_unknown, (run_id,))
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        return False
    state = state_read(run_id, opened(row[0], tenant_id, RUN_PROGRESS), opened(row[1], tenant_id, RUN_INPUT))
    if state.status is not Status.UNKNOWN:
        return False
    now = services.clock.now()
    ready, _ = decide(NO_STEPS, state, Settled(), now)
    wait = ready.wait
    reason, since = (None, None) if wait is None else (wait.reason.value, wait.since)
    frees = None if wait is None else wait.frees
    progress = seal(state_stored(ready), tenant_id, RUN_PROGRESS)
    await connection.execute(SQL.make_ready, (progress, reason, since, frees, run_id))
    await connection.execute(SQL.queue, (run_id, tenant_id, run_id, shard_of(tenant_id), run_id))
    return True
