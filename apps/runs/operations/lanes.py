"""Deliver what waits in lanes: the head of each free lane becomes a run that holds the lane until it ends (data.md 6).

A failing handler keeps its lane through its own back-off. When it has finally failed the message is a dead letter and
the lane goes on. Each head is judged by itself: one that no run can be made of, or whose run cannot be stored, is a
dead letter at once, with a failed run that says why. Where only the document tells which run a message becomes, and it
cannot be compiled now (a secret is missing), the lane waits until it can be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import orjson
import psycopg
import structlog
from psycopg.errors import ProgramLimitExceeded

from apps.engine.findings import DocumentRefused
from apps.engine.ids import uuid7
from apps.engine.outcome import StepFailed
from apps.engine.run.effects import error_of
from apps.runs.adapters.broker import Listening, Published, link_run, message_origin, message_run
from apps.runs.adapters.payloads import dumped
from apps.runs.adapters.place import Place
from apps.runs.adapters.pools import Connection
from apps.runs.adapters.queue import SQL, LaneHead, MessageRow, Queue, see_tenants
from apps.runs.adapters.rows import NewRunRow
from apps.runs.adapters.services import Services
from apps.runs.adapters.sql import Statements
from apps.runs.rules.links import EVERYWHERE, is_link

log = structlog.get_logger(__name__)
WRITER_SQL = Statements("writer")
REFUSED = (psycopg.DataError, psycopg.IntegrityError, ProgramLimitExceeded)  # it is the row, not the database
Started = tuple[LaneHead, NewRunRow]
Key = tuple[UUID, UUID, str]  # environment, workflow, subscription
Ids = tuple[UUID, UUID, UUID]  # tenant, environment, workflow


async def lanes_advance(services: Services, queue: Queue, *, limit: int) -> int:
    """Start the runs of up to `limit` lane heads; return how many lanes were looked at."""
    async with services.pools.tenants() as connection:
        heads = await queue.lane_heads(connection, limit)
        if not heads:
            return 0
        await see_tenants(connection, {head.tenant_id for head in heads})
        messages = await queue.messages(connection, [head.message_id for head in heads if head.message_id])
        listening = await _listening(connection, heads)
        places, unreadable = await _places(services, heads, listening)
        started: list[Started] = []
        buried: list[Started] = []
        skipped: list[LaneHead] = []
        postponed: list[LaneHead] = []
        for head in heads:
            message = messages.get(head.message_id) if head.message_id is not None else None
            place, found = places.get(_place_of(head)), listening.get(_key_of(head))
            if message is None or found is None or head.delivery_id is None:
                skipped.append(head)
                continue
            if found.decides and _place_of(head) in unreadable:
                postponed.append(head)
                continue
            try:
                started.append((head, _run_of(services, head, message, found, place)))
            except Exception as problem:
                buried.append((head, _failed(services, head, message, _of_live(found, place), problem)))
        await queue.postpone(connection, postponed)
        await queue.skip(connection, skipped)
        buried += await _start(connection, queue, started)
        await _bury(connection, queue, buried)
        return len(heads)


def _key_of(head: LaneHead) -> Key:
    return EVERYWHERE if is_link(head.subscription) else head.environment_id, head.workflow_id, head.subscription


def _place_of(head: LaneHead) -> Ids:
    return head.tenant_id, head.environment_id, head.workflow_id


async def _places(
    services: Services, heads: Sequence[LaneHead], listening: Mapping[Key, Listening]
) -> tuple[dict[Ids, Place], set[Ids]]:
    """Return what is live of workflows with subscriptions that say themselves which run a message becomes.

    Second, those that cannot be compiled: for their secrets, or by this build. Nobody else's messages are held up.
    """
    found: dict[Ids, Place] = {}
    unreadable: set[Ids] = set()
    for head in heads:
        key, address = _key_of(head), _place_of(head)
        if address in found or address in unreadable or key not in listening or not listening[key].decides:
            continue
        try:
            place = await services.compiled_place(*address)
        except DocumentRefused as refused:
            codes = sorted({each.code for each in refused.findings})
            log.warning("lane.document_refused", workflow_id=str(head.workflow_id), codes=codes)
            unreadable.add(address)
            continue
        if place is not None:
            found[address] = place
    return found, unreadable


def _run_of(
    services: Services, head: LaneHead, message: MessageRow, found: Listening, place: Place | None
) -> NewRunRow:
    """Return the run that hands a lane's head to its subscription; raises whatever there is against it."""
    encoded, written = message.opened()
    headers = None if written is None else orjson.loads(written)
    published = Published(message.id, message.topic, orjson.loads(encoded), message.key, headers, encoded)
    now, delivery_id = services.clock.now(), cast(UUID, head.delivery_id)
    if found.link is not None:
        if place is None:
            raise StepFailed("The target of the link is not live in this environment.", code="link.target_not_live")
        return link_run(uuid7(), place, _of_live(found, place), published, now, delivery_id=delivery_id)
    subscription = None if place is None else place.application.subscription(found.name, found.topic)
    return message_run(
        uuid7(),
        head.tenant_id,
        head.environment_id,
        found,
        published,
        now,
        delivery_id=delivery_id,
        starts=None if subscription is None else subscription.starts,
    )


def _of_live(found: Listening, place: Place | None) -> Listening:
    """Return a link with the version that is live of its target."""
    if found.link is None or place is None:
        return found
    return replace(found, version_id=place.version_id, version_number=place.version_number)


def _failed(services: Services, head: LaneHead, message: MessageRow, found: Listening, problem: Exception) -> NewRunRow:
    """Return the run of a message that nothing can be done with: it has failed, and says why."""
    now = services.clock.now()
    origin = message_origin(head.tenant_id, head.environment_id, found, message.topic)
    row = NewRunRow(uuid7(), origin, "waiting", now, correlation=str(message.id), delivery_id=head.delivery_id)
    return _as_failed(row, problem)


def _as_failed(row: NewRunRow, problem: Exception) -> NewRunRow:
    """Return a row that has ended with `problem` and holds nothing else that could be refused."""
    log.error("lane.head_refused", tenant_id=str(row.tenant_id), delivery_id=str(row.delivery_id), exc_info=problem)
    error = {"code": "message.undeliverable", "message": "The message cannot be made into a run."}
    if isinstance(problem, StepFailed):
        error = error_of(problem)
    return NewRunRow(
        row.id,
        row.origin,
        "failed",
        row.started_at,
        error=dumped(error),
        finished_at=row.started_at,
        duration_us=0,
        correlation=row.correlation,
        delivery_id=row.delivery_id,
    )


async def _listening(connection: Connection, heads: Sequence[LaneHead]) -> dict[Key, Listening]:
    values: dict[str, Any] = {
        "environments": [_key_of(head)[0] for head in heads],
        "workflows": [head.workflow_id for head in heads],
        "names": [head.subscription for head in heads],
    }
    cursor = await connection.execute(SQL.load_subscriptions, values)
    found: dict[Key, Listening] = {}
    for environment, workflow, name, version, number, topic, entry, link in await cursor.fetchall():
        found[environment, workflow, name] = Listening(workflow, version, number, name, topic, entry, "key", link)
    return found


async def _start(connection: Connection, queue: Queue, started: Sequence[Started]) -> list[Started]:
    """Store the runs and give them their lanes; return those that cannot be stored, as failed ones."""
    if not started:
        return []
    try:
        async with connection.transaction():
            await _insert(connection, started)
            await queue.hold(connection, [(head, row.id) for head, row in started])
    except REFUSED as problem:
        if len(started) == 1:
            return [(head, _as_failed(row, problem)) for head, row in started]
        return [refused for each in started for refused in await _start(connection, queue, [each])]
    return []


async def _bury(connection: Connection, queue: Queue, buried: Sequence[Started]) -> None:
    """Let the lanes go on behind heads that nothing can be done with."""
    for head, row in buried:
        try:
            async with connection.transaction():
                await _insert(connection, [(head, row)])
                await queue.bury(connection, [(head, row.id)])
        except REFUSED:
            log.exception("lane.reason_refused", tenant_id=str(head.tenant_id), delivery_id=str(head.delivery_id))
            await queue.skip(connection, [head])


async def _insert(connection: Connection, started: Sequence[Started]) -> None:
    rows = [row for _, row in started]
    cursor = connection.cursor()
    await cursor.executemany(WRITER_SQL.insert_one, [row.values() for row in rows])
    works = [row.work_values() for row in rows if row.ready_at is not None]
    if works:
        await cursor.executemany(WRITER_SQL.insert_one_work, works)
