"""Runs as rows: accepted, claimed, written with every step. A message is a run of its subscription's entry, in a lane.

Who comes next: the oldest run that is due and, when it is in a lane, has nobody unfinished before it there.
"""

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from apps.engine.asgi import RequestRecord
from apps.engine.hops import BEGINNING, Way, refuse_ring
from apps.engine.http import PROBLEM_TYPE
from apps.engine.ids import uuid7
from apps.engine.local.delivery import runs_due
from apps.engine.local.joined import Joined
from apps.engine.local.lifecycle import IsHeard, of_beginning, of_end
from apps.engine.local.message import Message
from apps.engine.local.store import Store, decode, encode, read_time, write_time
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.run.effects import error_of
from apps.engine.run.program import Program, step_id
from apps.engine.run.state import Ledger, Receipt, RecordStep, RunState, Status
from apps.engine.streams import StreamedResponse

Events = Callable[[IsHeard, sqlite3.Row, RunState, datetime], list[Message]]

FINAL = "('done', 'failed', 'cancelled')"
_INSERT = """insert into run (id, scope, entry, source, section, action, workflow, correlation, parent, lane, input,
    state, status, ready_at, idempotency_key, started_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_REQUEST = """insert into run (id, scope, entry, source, section, action, workflow, request_id, input, status, steps,
    output, error, http_status, started_at, finished_at)
    values (?, ?, ?, 'http', 'http', ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_FREE = f"""ready_at is not null and (lane is null or not exists (
    select 1 from run as earlier where earlier.scope = run.scope and earlier.lane = run.lane
    and earlier.position < run.position and earlier.status not in {FINAL}))"""  # noqa: S608 - all text is ours
_DUE = f"select id from run where ready_at <= ? and {_FREE} order by ready_at, position"  # noqa: S608
_NEXT = f"select min(ready_at) as at from run where {_FREE}"  # noqa: S608
_SAVE = """update run set state = ?, status = ?, ready_at = ?, steps = ?, output = ?, error = ?, finished_at = ?
    where id = ?"""


@dataclass(frozen=True, slots=True)
class Queued:
    """A run in hand."""

    scope: str
    state: RunState
    request_id: str
    section: str
    action: str
    accepted_at: datetime
    steps: list[dict[str, Any]]

    @property
    def is_new(self) -> bool:
        """Whether nobody has claimed the run before."""
        return self.state.status is not Status.CLAIMED and not self.steps and self.state.step_attempt == 1


class RunQueue:
    """The run table."""

    def __init__(self, store: Store, now: Callable[[], datetime], joined: Joined) -> None:
        self._store = store
        self._now = now
        self._joined = joined

    # --- coming in ------------------------------------------------------------------------------------------------

    def accept(self, scope: str, run_id: UUID, run: NewRun, *, quiet: bool = False, way: Way = BEGINNING) -> None:
        """Write a new run, which has failed at once after too many others; inside the commit's transaction."""
        ready_at = self._now() + timedelta(seconds=run.delay_seconds)
        state = self._insert(scope, run_id, run, ready_at, None, quiet or way.is_too_deep, way)
        try:
            refuse_ring(way, started=True)
        except StepFailed as refused:
            self._refuse(state, error_of(refused))

    def deliver(self, scope: str, message: Message) -> None:
        """Write a message and a run for every subscription and link that takes it in."""
        self._store.run(
            "insert into message (id, scope, topic, key, payload, headers, at) values (?, ?, ?, ?, ?, ?, ?)",
            (
                str(message.id),
                scope,
                message.topic,
                message.key,
                message.payload,
                message.headers,
                write_time(self._now()),
            ),
        )
        for due in runs_due(self._joined, scope, message):
            state = self._insert(due.scope, uuid7(), due.run, self._now(), due.lane, due.quiet, due.way)
            if due.error is not None:
                self._refuse(state, due.error)

    def _insert(
        self,
        scope: str,
        run_id: UUID,
        run: NewRun,
        ready_at: datetime,
        lane: str | None,
        quiet: bool,
        way: Way,
    ) -> RunState:
        state = RunState.start(run_id, run.entry, run.data, self._now(), quiet=quiet, way=way)
        what = (run.entry, run.source, run.section, run.action, run.workflow, run.correlation)
        parent = None if run.parent is None else str(run.parent)
        row = (encode(run.data), encode(state.as_dict()), state.status.value, write_time(ready_at))
        self._store.run(
            _INSERT,
            (str(run_id), scope, *what, parent, lane, *row, run.idempotency_key, write_time(self._now())),
        )
        return state

    def _refuse(self, state: RunState, error: dict[str, Any]) -> None:
        state.status, state.wait, state.error = Status.FAILED, None, error
        self.save(state, [], None)

    def record_request(self, scope: str, record: RequestRecord) -> None:
        """Write the row of an answered request; inside the commit's transaction."""
        name, status = record.route.name, record.response.status
        response, state = record.response, Status(record.state)
        error = response.body if status >= 400 and response.content_type == PROBLEM_TYPE else None
        output = response.body if isinstance(response, StreamedResponse) else None
        what = (str(record.run_id), scope, f"route:{name}", name, record.request.id, record.request.body)
        times = (write_time(record.started_at), write_time(self._now()))
        self._store.run(_REQUEST, (*what, state.value, encode(record.steps), output, error, status, *times))

    # --- being worked on ------------------------------------------------------------------------------------------

    def due(self, busy: Collection[UUID] = ()) -> UUID | None:
        """Return the next run to work on that is not in `busy`."""
        for row in self._store.rows(_DUE, (write_time(self._now()),)):
            run_id = UUID(row["id"])
            if run_id not in busy:
                return run_id
        return None

    def next_time(self) -> datetime | None:
        """Return when the next run is due, those that stand behind another one in their lane left out."""
        row = self._store.row(_NEXT)
        return None if row is None else read_time(row["at"])

    def load(self, run_id: UUID) -> Queued | None:
        """Return a durable run."""
        row = self._store.row("select * from run where id = ?", (str(run_id),))
        if row is None or row["state"] is None:
            return None
        state = RunState.from_dict(run_id, decode(row["state"]))
        accepted_at = read_time(row["started_at"]) or self._now()
        told = (row["request_id"], row["section"], row["action"], accepted_at, decode(row["steps"]))
        return Queued(row["scope"], state, *told)

    def unfinished(self, scope: str) -> dict[str, int]:
        """Return how many runs of a scope have not ended, by section."""
        counted = f"select section, count(*) as n from run where scope = ? and status not in {FINAL} group by section"  # noqa: S608
        return {row["section"]: row["n"] for row in self._store.rows(counted, (scope,))}

    def status(self, run_id: UUID) -> Status:
        """Return where a run stands now."""
        row = self._store.row("select status from run where id = ?", (str(run_id),))
        return Status.CANCELLED if row is None else Status(row["status"])

    def ledger(self, scope: str, run_id: UUID, program: Program, state: RunState) -> Ledger | None:
        """Return what the effect ledger holds for the present attempt of the present step."""
        row = self._store.row(
            "select receipt from effect where scope = ? and step_id = ? and attempt = ?",
            (scope, str(step_id(run_id, program.steps[state.position].name)), state.step_attempt),
        )
        if row is None:
            return None
        return Ledger(None if row["receipt"] is None else Receipt.from_dict(decode(row["receipt"])))

    def save(self, state: RunState, steps: list[dict[str, Any]], ready_at: datetime | None) -> None:
        """Write a run after an event, within a transaction; without `ready_at` nothing but an event makes it move."""
        finished = write_time(self._now()) if state.status.is_final else None
        error = None if state.error is None else encode(state.error)
        row = (encode(state.as_dict()), state.status.value, write_time(ready_at), encode(steps))
        self._store.run(_SAVE, (*row, encode(state.output), error, finished, str(state.run_id)))
        if state.status.is_final:
            self._tell(state, of_end)

    def begin(self, state: RunState) -> None:
        """Tell that a run is claimed for the first time, within the transaction of that claim."""
        self._tell(state, of_beginning)

    def _tell(self, state: RunState, events: Events) -> None:
        row = self._store.row("select * from run where id = ?", (str(state.run_id),))
        if row is None:
            return
        for message in events(partial(self._joined.is_heard, row["scope"]), row, state, self._now()):
            self.deliver(row["scope"], message)

    # --- being looked at ------------------------------------------------------------------------------------------

    def by_idempotency_key(self, scope: str, key: str) -> UUID | None:
        """Return the run that was started with a key."""
        row = self._store.row("select id from run where scope = ? and idempotency_key = ?", (scope, key))
        return None if row is None else UUID(row["id"])

    def run(self, scope: str, run_id: UUID) -> dict[str, Any] | None:
        """Return one run as JSON."""
        row = self._store.row("select * from run where scope = ? and id = ?", (scope, str(run_id)))
        return None if row is None else _as_json(row)

    def runs(self, scope: str, *, source: str | None = None) -> list[dict[str, Any]]:
        """Return the runs of a scope in the order they came."""
        rows = self._store.rows("select * from run where scope = ? order by position", (scope,))
        return [_as_json(row) for row in rows if source is None or row["source"] == source]

    def messages(self, scope: str, topic: str | None = None) -> list[dict[str, Any]]:
        """Return the messages of a scope in the order they were committed."""
        rows = self._store.rows("select * from message where scope = ? order by position", (scope,))
        return [
            {"id": row["id"], "topic": row["topic"], "key": row["key"], "payload": decode(row["payload"])}
            for row in rows
            if topic is None or row["topic"] == topic
        ]


def line_of(program: Program, record: RecordStep, started_at: datetime, ended_at: datetime) -> dict[str, Any]:
    """Return one line of a run's story."""
    step = program.steps[record.index]
    return {
        "index": record.index,
        "name": step.name,
        "kind": step.kind,
        "path": step.path,
        "module": step.module,
        "state": record.state,
        "attempt": record.attempt,
        "started_at": write_time(started_at),
        "duration_us": int((ended_at - started_at).total_seconds() * 1_000_000),
        "output": record.output,
        "error": record.error,
        "logs": record.logs,
    }


def _as_json(row: sqlite3.Row) -> dict[str, Any]:
    told = ("id", "entry", "source", "section", "action", "workflow", "correlation", "parent", "request_id", "status")
    found = {name: row[name] for name in (*told, "http_status", "started_at", "finished_at", "ready_at")}
    state = decode(row["state"])
    return found | {
        "input": _decoded_input(row["input"]),
        "output": decode(row["output"]),
        "error": decode(row["error"]),
        "steps": decode(row["steps"]),
        "wait": None if state is None else state["wait"],
    }


def _decoded_input(stored: bytes | None) -> Any:
    try:
        return decode(stored or None)
    except ValueError:
        return None
