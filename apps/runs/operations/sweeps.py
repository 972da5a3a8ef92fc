"""The product's own periodic work: idempotent, under a transaction-level lock, with a last success (law 12)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import structlog

from apps.core.outbox import deliver
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.sweeping import sweep_connections
from apps.runs.operations.firing import schedules_claim, schedules_fire, schedules_read, schedules_release

log = structlog.get_logger(__name__)
SQL = Statements("sweeps")
PARTITIONS_AHEAD_DAYS = 7
KEPT_DAYS = 30
JOURNAL_TABLES = ("runs_run", "runs_step", "runs_message", "runs_instancetransition")
SWEEP_SECONDS = {"schedules": 10.0, "outbox": 10.0, "expired": 600.0, "partitions": 3600.0, "invariant": 15.0}
Connection = psycopg.Connection[Any]
Counts = dict[str, int]


def sweep_outbox(connection: Connection) -> Counts:
    """Deliver what committed deeds left in the outbox."""
    delivered = 0
    while count := deliver(connection):
        delivered += count
    return {"delivered": delivered}


def sweep_expired(connection: Connection) -> Counts:
    """Drop idempotency keys, seen events, retired secrets and stored objects that are over, and silent workers."""
    removed = _one(connection, SQL.expire) + _one(connection, SQL.forget_secrets)
    while count := _one(connection, SQL.expire_resources):
        removed += count
    return {"removed": removed, "workers": connection.execute(SQL.forget_workers).rowcount}


def sweep_partitions(connection: Connection) -> Counts:
    """Make the partitions of the days ahead and drop those whose days are over."""
    made = _one(connection, SQL.partitions_ensure, (PARTITIONS_AHEAD_DAYS,))
    before = (datetime.now(UTC) - timedelta(days=KEPT_DAYS)).date()
    dropped = sum(_one(connection, SQL.partitions_drop, (table, before)) for table in JOURNAL_TABLES)
    return {"made": made, "dropped": dropped}


def sweep_invariant(connection: Connection) -> Counts:
    """Look for unfinished runs without owner or reason; there are never any."""
    found = connection.execute(SQL.unowned).fetchall()
    for tenant_id, run_id in found:
        log.error("invariant.run_unowned", tenant_id=str(tenant_id), run_id=str(run_id))
    return {"unowned": len(found)}


SCHEDULES = "schedules"  # the one that works between two transactions: what it claims, it reads, then fires
SWEEPS: dict[str, Callable[[Connection], Counts]] = {
    "outbox": sweep_outbox,
    "expired": sweep_expired,
    "partitions": sweep_partitions,
    "invariant": sweep_invariant,
}


def sweep_run(name: str) -> Counts | None:
    """Run one sweep as `relay`; None when another process is at it."""
    named = f"weft-sweep-{name}"
    with sweep_connections.lend(named) as connection:
        if name == SCHEDULES:
            return _fire_schedules(connection)
        with connection.transaction():
            if not _one(connection, SQL.lock, (named,)):
                return None
            counts = SWEEPS[name](connection)
            _succeeded(connection, name, counts)
        return counts


def _fire_schedules(connection: Connection) -> Counts | None:
    """Claim under the sweep's lock, read with no transaction open, and fire what was read."""
    with connection.transaction():
        if not _one(connection, SQL.lock, (f"weft-sweep-{SCHEDULES}",)):
            return None
        claimed = schedules_claim(connection)
        if not claimed:
            _succeeded(connection, SCHEDULES, {"fired": 0})
            return {"fired": 0}
    found, left = schedules_read(claimed)
    with connection.transaction():
        counts = schedules_fire(connection, found)
        schedules_release(connection, [*left, *(each.due for each in found)])
        _succeeded(connection, SCHEDULES, counts)
    return counts


def _succeeded(connection: Connection, name: str, counts: Counts) -> None:
    connection.execute(SQL.succeeded.encode(), (name, orjson.dumps(counts).decode()))


def sweeps_late() -> list[str]:
    """Name the sweeps whose last success is older than their period, or that never succeeded.

    Workers and beat run them when they start: a period longer than beat ever lives would otherwise never be over.
    """
    periods = {"names": list(SWEEP_SECONDS), "seconds": list(SWEEP_SECONDS.values())}
    with sweep_connections.lend("weft-sweeps-late") as connection:
        return [row[0] for row in connection.execute(SQL.late.encode(), periods).fetchall()]


def _one(connection: Connection, statement: str, values: tuple[Any, ...] = ()) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    return 0 if row is None else int(row[0])
