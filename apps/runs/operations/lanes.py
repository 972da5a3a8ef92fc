"""Deliver what waits in lanes: the head of each free lane becomes a run that holds the lane until it ends (data.md 6).

A failing handler keeps its lane through its own back-off. When it has finally failed the message is a dead letter and
the lane goes on.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from apps.engine.ids import uuid7
from apps.runs.adapters.broker import Listening, Published, message_run
from apps.runs.adapters.pools import Connection
from apps.runs.adapters.queue import SQL, LaneHead, MessageRow, Queue, see_tenants
from apps.runs.adapters.rows import NewRunRow
from apps.runs.adapters.services import Services
from apps.runs.adapters.sql import Statements

WRITER_SQL = Statements("writer")
Key = tuple[UUID, UUID, str]  # environment, workflow, subscription


async def lanes_advance(services: Services, queue: Queue, *, limit: int) -> int:
    """Start the runs of up to `limit` lane heads; return how many lanes were looked at."""
    async with services.pools.tenants() as connection:
        heads = await queue.lane_heads(connection, limit)
        if not heads:
            return 0
        await see_tenants(connection, {head.tenant_id for head in heads})
        messages = await queue.messages(connection, [head.message_id for head in heads if head.message_id])
        listening = await _listening(connection, heads)
        started: list[tuple[LaneHead, NewRunRow]] = []
        skipped: list[LaneHead] = []
        for head in heads:
            row = _run_of(services, head, messages, listening)
            if row is None:
                skipped.append(head)
            else:
                started.append((head, row))
        if skipped:
            await queue.skip(connection, skipped)
        if started:
            await _start(connection, queue, started)
        return len(heads)


def _run_of(
    services: Services,
    head: LaneHead,
    messages: dict[UUID, MessageRow],
    listening: dict[Key, Listening],
) -> NewRunRow | None:
    """Return the run for a lane's head, None when the message or its subscription is gone."""
    message = messages.get(head.message_id) if head.message_id is not None else None
    found = listening.get((head.environment_id, head.workflow_id, head.subscription))
    if message is None or found is None or head.delivery_id is None:
        return None
    headers = None if message.headers is None else orjson.loads(message.headers)
    published = Published(message.id, message.topic, orjson.loads(message.payload), message.key, headers)
    return message_run(
        uuid7(),
        head.tenant_id,
        head.environment_id,
        found,
        published,
        services.clock.now(),
        delivery_id=head.delivery_id,
    )


async def _listening(connection: Connection, heads: Sequence[LaneHead]) -> dict[Key, Listening]:
    values: dict[str, Any] = {
        "environments": [head.environment_id for head in heads],
        "workflows": [head.workflow_id for head in heads],
        "names": [head.subscription for head in heads],
    }
    cursor = await connection.execute(SQL.load_subscriptions, values)
    found: dict[Key, Listening] = {}
    for environment, workflow, name, version, number, topic, entry in await cursor.fetchall():
        found[environment, workflow, name] = Listening(workflow, version, number, name, topic, entry, "key")
    return found


async def _start(connection: Connection, queue: Queue, started: Sequence[tuple[LaneHead, NewRunRow]]) -> None:
    rows = [row for _, row in started]
    cursor = connection.cursor()
    await cursor.executemany(WRITER_SQL.insert_one, [row.values() for row in rows])
    await cursor.executemany(WRITER_SQL.insert_one_work, [row.work_values() for row in rows])
    await queue.hold(connection, [(head, row.id) for head, row in started])
