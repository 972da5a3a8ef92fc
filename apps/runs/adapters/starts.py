"""Runs that a unit starts: their rows, and their place in the queue."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from apps.engine.hops import BEGINNING, Way, refuse_ring
from apps.engine.ids import uuid7
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.run.effects import error_of
from apps.engine.run.state import RunState
from apps.engine.run.waits import Wait, WaitReason
from apps.runs.adapters.payloads import dumped, state_stored
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import NewRunRow, RunOrigin


def accepted_row(  # noqa: PLR0913 - the columns an origin does not decide
    run_id: UUID,
    origin: RunOrigin,
    data: Any,
    now: datetime,
    *,
    encoded: bytes | None = None,
    delay_seconds: float = 0.0,
    correlation: str | None = None,
    parent_id: UUID | None = None,
    delivery_id: UUID | None = None,
    request_id: str = "",
    quiet: bool = False,
    way: Way = BEGINNING,
) -> NewRunRow:
    """Return the row of an accepted run that waits for a worker, or for its time.

    `encoded` is `data` when that has been encoded already. Raises `PayloadTooLarge`.
    """
    state = RunState.start(run_id, origin.entry, data, now, quiet=quiet, way=way)
    state.is_apart = True
    ready_at = now
    if delay_seconds > 0:
        ready_at = now + timedelta(seconds=delay_seconds)
        state.wait = Wait(WaitReason.TIMER, now, ready_at, "its time")
    wait = state.wait
    return NewRunRow(
        run_id,
        origin,
        "waiting",
        now,
        request_id=request_id,
        input=dumped(data) if encoded is None else encoded,
        wait_reason=None if wait is None else wait.reason.value,
        wait_since=None if wait is None else wait.since,
        wait_until=None if wait is None else wait.until,
        wait_for=None if wait is None else wait.frees,
        correlation=correlation,
        parent_id=parent_id,
        delivery_id=delivery_id,
        progress=state_stored(state),
        ready_at=ready_at,
    )


def refused_row(
    run_id: UUID, origin: RunOrigin, encoded: bytes, now: datetime, refused: StepFailed, **common: Any
) -> NewRunRow:
    """Return the row of a run that is not accepted, so that somebody sees it: it has failed at once."""
    error = dumped(error_of(refused))
    return NewRunRow(
        run_id, origin, "failed", now, input=encoded, error=error, finished_at=now, duration_us=0, **common
    )


class BufferedRuns:
    """`engine.ports.Runs`: starts are buffered and written when the unit commits."""

    def __init__(
        self, place: Place, parent_id: UUID, request_id: str, *, quiet: bool = False, way: Way = BEGINNING
    ) -> None:
        self._place = place
        self._parent_id = parent_id
        self._request_id = request_id
        self._quiet = quiet
        self._way = way.on()
        self.started: list[tuple[UUID, NewRun, bytes]] = []

    def start(self, run: NewRun) -> UUID:
        """Buffer a run; its row and first ready step are written when the unit commits. Raises `PayloadTooLarge`."""
        run_id = uuid7()
        self.started.append((run_id, run, dumped(run.data)))
        return run_id

    def rows(self, now: datetime) -> list[tuple[NewRunRow, str | None]]:
        """Return the rows to write, each with its idempotency key."""
        return [(self._row(run_id, run, data, now), run.idempotency_key) for run_id, run, data in self.started]

    def _row(self, run_id: UUID, run: NewRun, encoded: bytes, now: datetime) -> NewRunRow:
        origin = self._place.origin(
            source=run.source, entry=run.entry, section=run.section, action=run.action, workflow=run.workflow
        )
        common: dict[str, Any] = {
            "correlation": run.correlation,
            "parent_id": run.parent or self._parent_id,
            "request_id": self._request_id,
        }
        try:
            refuse_ring(self._way, started=True)
        except StepFailed as refused:
            return refused_row(run_id, origin, encoded, now, refused, **common)
        return accepted_row(
            run_id,
            origin,
            run.data,
            now,
            encoded=encoded,
            delay_seconds=run.delay_seconds,
            quiet=self._quiet,
            way=self._way,
            **common,
        )
