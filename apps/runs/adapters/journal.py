"""The journal of durable runs: what a driver learned, committed under its claim.

`Change` is everything one run has to say since its last commit. A group of changes goes through one transaction as
`relay`; a change whose step wrote something through its unit is written inside that unit's transaction as `app`.
A change whose claim is gone (lease lost, run cancelled) is refused: its run id is missing from the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from apps.core.sealing import seal, seal_part
from apps.runs.adapters.pools import Connection, Pools
from apps.runs.adapters.rows import clean
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import (
    RUN_ERROR,
    RUN_OUTPUT,
    RUN_PROGRESS,
    STEP_ERROR,
    STEP_INPUT,
    STEP_LOGS,
    STEP_OUTPUT,
)

SQL = Statements("journal")


class WorkFate(Enum):
    """What becomes of the claim."""

    KEEP = "keep"
    QUEUE = "queue"
    DROP = "drop"


@dataclass(slots=True)
class StepLine:
    """One change of one step."""

    id: UUID
    position: int
    name: str
    kind: str
    path: str
    module: str
    key: UUID
    state: str
    attempt: int
    started_at: datetime
    duration_us: int | None
    input: bytes | None
    output: bytes | None
    error: bytes | None
    logs: bytes | None


@dataclass(slots=True)
class Change:
    """What is new about one run."""

    run_id: UUID
    tenant_id: UUID
    owner: UUID
    epoch: int
    state: str
    progress: bytes | None
    wait_reason: str | None = None
    wait_since: datetime | None = None
    wait_until: datetime | None = None
    wait_for: str | None = None
    output: bytes | None = None
    error: bytes | None = None
    http_status: int | None = None
    ended: bool = False
    has_delivery: bool = False
    steps: list[StepLine] = field(default_factory=list)
    work: WorkFate = WorkFate.KEEP
    ready_at: datetime | None = None
    try_until: datetime | None = None  # by when the try that begins with this change must have ended

    @property
    def is_dead(self) -> bool:
        """Whether a message's run ends here without having handled it."""
        return self.ended and self.has_delivery and self.state != "done"


@dataclass(slots=True)
class Written:
    """The outcome of a commit: the number of each run's latest change, and whether lanes have more to deliver."""

    sequences: dict[UUID, int]
    has_more: bool = False


async def write(connection: Connection, changes: Sequence[Change]) -> Written:
    """Write the changes whose claims still hold, inside the transaction of `connection`."""
    owner = changes[0].owner
    held = {
        row[0]
        for row in await _rows(
            connection,
            SQL.fence,
            {"runs": [c.run_id for c in changes], "epochs": [c.epoch for c in changes], "owner": owner},
        )
    }
    mine = [change for change in changes if change.run_id in held]
    if not mine:
        return Written({})
    sequences = dict(await _rows(connection, SQL.update_runs, _run_columns(mine)))
    mine = [change for change in mine if change.run_id in sequences]
    steps = [(change, step) for change in mine for step in change.steps]
    if steps:
        await connection.execute(SQL.upsert_steps, _step_columns(steps, sequences))
    has_more = await _settle_work(connection, mine)
    return Written(sequences, has_more)


async def write_group(pools: Pools, changes: Sequence[Change]) -> list[int | None]:
    """Commit a group as `relay`; return each run's sequence number, None where the claim was gone."""
    async with pools.tenants({change.tenant_id for change in changes}) as connection:
        written = await write(connection, changes)
    return [written.sequences.get(change.run_id) for change in changes]


async def _settle_work(connection: Connection, changes: list[Change]) -> bool:
    dropped = [change.run_id for change in changes if change.work is WorkFate.DROP]
    queued = [change for change in changes if change.work is WorkFate.QUEUE]
    trying = [change for change in changes if change.try_until is not None]
    delivered = [change for change in changes if change.ended and change.has_delivery]
    has_more = False
    if dropped:
        await connection.execute(SQL.drop_work, {"runs": dropped})
    if queued:
        await connection.execute(
            SQL.queue_work, {"runs": [c.run_id for c in queued], "ready": [c.ready_at for c in queued]}
        )
    if trying:
        await connection.execute(
            SQL.begin_tries, {"runs": [c.run_id for c in trying], "untils": [c.try_until for c in trying]}
        )
    for statement, dead in ((SQL.free_lanes_done, False), (SQL.free_lanes_dead, True)):
        runs = [change.run_id for change in delivered if change.is_dead is dead]
        if runs:
            rows = await _rows(connection, statement, {"runs": runs})
            has_more = has_more or any(row[0] for row in rows)
    return has_more


def _run_columns(changes: list[Change]) -> dict[str, Any]:
    return {
        "runs": [c.run_id for c in changes],
        "states": [c.state for c in changes],
        "wait_reasons": [c.wait_reason for c in changes],
        "wait_sinces": [c.wait_since for c in changes],
        "wait_untils": [c.wait_until for c in changes],
        "wait_fors": [None if c.wait_for is None else clean(c.wait_for) for c in changes],
        "outputs": [seal(c.output, c.tenant_id, RUN_OUTPUT) for c in changes],
        "errors": [seal(c.error, c.tenant_id, RUN_ERROR) for c in changes],
        "progresses": [seal(c.progress, c.tenant_id, RUN_PROGRESS) for c in changes],
        "statuses": [c.http_status for c in changes],
        "changes": [len(c.steps) + 1 for c in changes],
        "ended": [c.ended for c in changes],
        "dead": [c.is_dead for c in changes],
    }


def _step_columns(steps: list[tuple[Change, StepLine]], sequences: dict[UUID, int]) -> dict[str, Any]:
    return {
        "ids": [step.id for _, step in steps],
        "tenants": [change.tenant_id for change, _ in steps],
        "runs": [change.run_id for change, _ in steps],
        "positions": [step.position for _, step in steps],
        "names": [clean(step.name) for _, step in steps],
        "kinds": [step.kind for _, step in steps],
        "paths": [clean(step.path) for _, step in steps],
        "modules": [clean(step.module) for _, step in steps],
        "keys": [step.key for _, step in steps],
        "states": [step.state for _, step in steps],
        "attempts": [step.attempt for _, step in steps],
        "epochs": [change.epoch for change, _ in steps],
        "sequences": _numbers(steps, sequences),
        "started": [step.started_at for _, step in steps],
        "durations": [step.duration_us for _, step in steps],
        "inputs": [seal(step.input, change.tenant_id, STEP_INPUT) for change, step in steps],
        "outputs": [seal(step.output, change.tenant_id, STEP_OUTPUT) for change, step in steps],
        "errors": [seal(step.error, change.tenant_id, STEP_ERROR) for change, step in steps],
        "logs": [seal_part(step.logs, change.tenant_id, STEP_LOGS) for change, step in steps],
    }


def _numbers(steps: list[tuple[Change, StepLine]], sequences: dict[UUID, int]) -> list[int]:
    """Number the steps of each run upwards, below the run's own change, which takes the last number."""
    numbers = []
    for change, step in steps:
        place = change.steps.index(step)
        numbers.append(sequences[change.run_id] - len(change.steps) + place)
    return numbers


async def _rows(connection: Connection, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement, values)
    return await cursor.fetchall()
