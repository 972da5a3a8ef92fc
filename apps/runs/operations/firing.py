"""Fire what tenants do by the clock: claim what is due, read its documents, fire it (data.md 9).

Three parts, so that no transaction is open while a document is compiled. A *claim* keeps other sweeps from reading the
same documents; it is a courtesy that lapses by itself and guards nothing. What guards is firing: one transaction holds
the run, its place in the queue, the mark that this time has been fired, and the next time. A sweep that dies leaves
all of it undone, and another does it. Whatever was missed is made up for by one run, for the latest of the times
missed; a run is started whether or not the one before has ended.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import ProgramLimitExceeded

from apps.engine.ids import uuid7
from apps.engine.outcome import StepFailed
from apps.engine.run.effects import error_of
from apps.engine.schedules import SOURCE, Schedule, due_time
from apps.engine.timetable import Timetable, read
from apps.runs.adapters.payloads import dumped
from apps.runs.adapters.rows import NewRunRow, RunOrigin, clean
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.starts import accepted_row
from apps.runs.queries.programs import application_of_version

log = structlog.get_logger(__name__)
SQL = Statements("schedules")
UNIT = Statements("unit")
WRITER = Statements("writer")
MOST_AT_ONCE = 200
CLAIM_SECONDS = 30  # when others may take over from a sweep that died between claiming and firing
READING_SECONDS = 10.0  # what takes longer to read is left to the next sweep, so that claims do not lapse under way
REFUSED = (psycopg.DataError, psycopg.IntegrityError, ProgramLimitExceeded)  # it is the row, not the database
UNREADABLE = {"code": "schedule.unreadable", "message": "The live version cannot be read by this build."}
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose time has come."""

    id: UUID
    tenant_id: UUID
    environment_id: UUID
    workflow_id: UUID
    version_id: UUID
    version_number: int
    name: str
    timetable: str
    workflow_name: str
    action: str
    next_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """What the document says of a claimed schedule; `schedule` is None when this build cannot read it any more."""

    due: Due
    schedule: Schedule | None

    def is_of(self, due: Due) -> bool:
        """Whether this is still what is to be fired: a deployment may have put another version in between."""
        return (self.due.version_id, self.due.name) == (due.version_id, due.name)


def schedules_claim(connection: Connection) -> list[Due]:
    """Claim what is due and nobody else's; what else is due then is left to the next sweep."""
    limits = {"most": MOST_AT_ONCE, "seconds": CLAIM_SECONDS}
    claimed = [Due(*row) for row in connection.execute(SQL.claim.encode(), limits).fetchall()]
    return sorted(claimed, key=lambda due: (due.next_at, due.id))


def schedules_read(claimed: Sequence[Due]) -> tuple[list[Read], list[Due]]:
    """Read the documents of what was claimed, outside of any transaction; return also what is left to the next sweep.

    A document that cannot be read because of a fault keeps its claim, and is tried again when that is over.
    """
    ends = time.monotonic() + READING_SECONDS
    found: list[Read] = []
    for number, due in enumerate(claimed):
        if time.monotonic() > ends:
            return found, list(claimed[number:])
        try:
            found.append(Read(due, _schedule_of(due)))
        except Exception:  # must not keep others from being fired
            log.exception("schedule.not_read", tenant_id=str(due.tenant_id), schedule_id=str(due.id))
    return found, []


def schedules_fire(connection: Connection, found: Sequence[Read]) -> dict[str, int]:
    """Start the runs of what was read and is still due, each time once."""
    by_id = {each.due.id: each for each in found}
    due = [Due(*row) for row in connection.execute(SQL.still_due.encode(), (list(by_id),)).fetchall()]
    due = [each for each in due if by_id[each.id].is_of(each)]
    if not due:
        return {"fired": 0}
    tenants = ",".join(sorted({str(each.tenant_id) for each in due}))
    connection.execute(SQL.see_tenants.encode(), (f"{{{tenants}}}",))
    return {"fired": sum(_fire(connection, each, by_id[each.id].schedule) for each in due)}


def schedules_release(connection: Connection, claimed: Iterable[Due]) -> None:
    """Give back what was claimed and not fired."""
    connection.execute(SQL.release.encode(), ([each.id for each in claimed],))


def _fire(connection: Connection, due: Due, schedule: Schedule | None) -> bool:
    """Start the run of one schedule and move the schedule on; False when this time had been fired before."""
    timetable: Timetable = read(due.timetable) if schedule is None else schedule.timetable
    at = due_time(timetable, due.next_at, due.now)
    mark = (uuid7(), due.tenant_id, f"{SOURCE}:{due.id}", at.isoformat())
    is_first = connection.execute(UNIT.remember_event.encode(), mark).fetchone() is not None
    run_id = _store(connection, due, _run_of(due, schedule, at)) if is_first else None
    connection.execute(SQL.fired.encode(), (timetable.after(due.now), at, run_id, due.id))
    return run_id is not None


def _schedule_of(due: Due) -> Schedule | None:
    """Return what the document says of it; None when this build cannot read the document any more."""
    application = application_of_version(
        tenant_id=due.tenant_id, version_id=due.version_id, environment_id=due.environment_id
    )
    schedules = () if application is None else application.schedules
    return next((each for each in schedules if clean(each.name) == due.name), None)


def _run_of(due: Due, schedule: Schedule | None, at: datetime) -> NewRunRow:
    """Return the run of one time; what cannot be started is a run that has failed and says why."""
    if schedule is None:
        return _failed(due, UNREADABLE)
    run = schedule.fire(at)
    origin = _origin(due, run.entry, run.section, run.action, run.workflow)
    try:
        return accepted_row(uuid7(), origin, run.data, due.now, correlation=run.correlation)
    except StepFailed as refused:
        return _failed(due, error_of(refused))


def _failed(due: Due, error: dict[str, Any]) -> NewRunRow:
    origin = _origin(due, "schedule", "scheduler", due.action, due.workflow_name)
    return NewRunRow(uuid7(), origin, "failed", due.now, error=dumped(error), finished_at=due.now, duration_us=0)


def _origin(due: Due, entry: str, section: str, action: str, workflow: str) -> RunOrigin:
    place = (due.tenant_id, due.environment_id, due.workflow_id, due.version_id, due.version_number)
    return RunOrigin(*place, SOURCE, entry, section, action, workflow)


def _store(connection: Connection, due: Due, row: NewRunRow) -> UUID | None:
    """Insert a run; one that the database refuses is a failed one, so that it does not keep others from being fired."""
    refused = {"code": "schedule.refused", "message": "The run cannot be stored."}
    for each in (row, _failed(due, refused)):
        try:
            with connection.transaction():
                connection.execute(WRITER.insert_one.encode(), each.values())
                if each.ready_at is not None:
                    connection.execute(WRITER.insert_one_work.encode(), each.work_values())
        except REFUSED:
            log.exception("schedule.run_refused", tenant_id=str(due.tenant_id), schedule_id=str(due.id))
        else:
            return each.id
    return None
