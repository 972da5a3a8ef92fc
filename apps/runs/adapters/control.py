"""What the control plane writes on the run path, through Django's connection and inside its scope (role app)."""

from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import connection, transaction

from apps.core.jobs import ring
from apps.core.scope import current_tenant
from apps.engine.application import Application
from apps.engine.hops import BEGINNING, Way
from apps.runs.adapters import telling
from apps.runs.adapters.broker import BufferedBroker, Listening
from apps.runs.adapters.live import channel_of, hint
from apps.runs.adapters.rows import NewRunRow
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.telling import Event
from apps.runs.queries.programs import application_of

T = TypeVar("T")
SQL = Statements("control")
JOURNAL = Statements("journal")
UNIT = Statements("unit")
WRITER = Statements("writer")
log = structlog.get_logger(__name__)


def rows(statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
    """Run a statement of the open scope that returns rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def execute(statement: str, values: Any = ()) -> int:
    """Run a statement of the open scope and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def run_insert(row: NewRunRow) -> None:
    """Store an accepted run with its place in the queue; the worker is woken after the commit."""
    execute(WRITER.insert_one, row.values())
    if row.ready_at is not None:
        execute(WRITER.insert_one_work, row.work_values())
        ring()
    hint_after_commit(row.id, 1)


def lane_free(run_id: UUID) -> None:
    """Let go of the lane of a run that ended without handling its message."""
    if rows(JOURNAL.free_lanes_dead, {"runs": [run_id]}):
        ring()


class OpenScope:
    """The open scope as a transaction to publish in; its coroutines never wait."""

    async def rows(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads."""
        return rows(statement, values)

    async def change(self, statement: str, values: Any = ()) -> int:
        """Run a statement that changes rows and return how many it touched."""
        return execute(statement, values)


def tell(
    place: tuple[UUID, UUID, UUID], run_id: UUID, events: Iterable[Event], at: datetime, *, way: Way = BEGINNING
) -> None:
    """Publish lifecycle events of a run within the open scope; `place` is its tenant, environment and workflow.

    `way` is what led to the run.
    """

    async def listener(listening: Listening) -> Application | None:
        return application_of(
            workflow_id=listening.workflow_id, version=listening.version_number, environment_id=place[1]
        )

    broker = BufferedBroker(OpenScope(), place, run_id, "", listener, way=way)
    telling.tell(broker, events)
    for row in _finished(broker.flush(at)):
        run_insert(row)
    ring()


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("it waited")


def hint_after_commit(run_id: UUID, sequence: int) -> None:
    """Tell watchers of this tenant, once the scope has committed; a dead Redis is no reason to fail."""
    tenant_id = current_tenant()

    def tell() -> None:
        try:
            with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
                client.publish(channel_of(tenant_id), hint({str(run_id): sequence}))
        except (redis.RedisError, OSError) as problem:
            log.warning("live.unheard", problem=type(problem).__name__)

    transaction.on_commit(tell)


def deliver_again(values: Sequence[dict[str, Any]]) -> None:
    """Put messages at the end of their lanes."""
    for each in values:
        execute(UNIT.deliver_in_lane, each)
    ring()
