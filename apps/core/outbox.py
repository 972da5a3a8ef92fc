"""Deliver what committed deeds left in the outbox: events to listeners, jobs to Celery; at least once.

The worker calls `deliver` with a connection as role relay. A row that cannot be delivered waits longer each time and
keeps its error; it is never dropped.
"""

from typing import Any
from uuid import UUID

import psycopg
import structlog

from apps.core.events import listeners
from apps.core.jobs import sender
from apps.core.models import Outbox

CLAIM = """
select id, tenant_id, kind, name, payload, request_id, attempts from core_outbox
where ready_at <= weft_now() order by ready_at, id limit %s for update skip locked
"""
DONE = "delete from core_outbox where id = any(%s)"
LATER = """
update core_outbox set attempts = attempts + 1, error = %s,
    ready_at = weft_now() + least(interval '1 second' * power(2, least(attempts, 10)), interval '5 minutes')
where id = %s
"""
Row = tuple[UUID, UUID, str, str, dict[str, Any], str, int]
log = structlog.get_logger(__name__)


def deliver(connection: "psycopg.Connection[Any]", limit: int = 100) -> int:
    """Deliver up to `limit` rows in one transaction; return how many left the outbox."""
    done: list[UUID] = []
    with connection.transaction():
        for row in connection.execute(CLAIM, [limit]).fetchall():
            problem = _delivered(row)
            if problem is None:
                done.append(row[0])
            else:
                connection.execute(LATER, [problem, row[0]])
        connection.execute(DONE, [done])
    return len(done)


def _delivered(row: Row) -> str | None:
    """Deliver one row; return what went wrong, None when nothing did."""
    _, tenant_id, kind, name, payload, request_id, attempts = row
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        try:
            if kind == Outbox.Kind.JOB:
                arguments = payload | {"tenant_id": str(tenant_id), "request_id": request_id}
                sender().send_task(name, kwargs=arguments, ignore_result=True, retry=False)
            for listener in listeners(name) if kind == Outbox.Kind.EVENT else ():
                listener(tenant_id, payload)
        except Exception as problem:
            log.warning("outbox.undelivered", name=name, attempts=attempts, problem=repr(problem)[:300])
            return repr(problem)[:300]
    return None
