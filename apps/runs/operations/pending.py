"""What is to be written of a run with the next commit: its state, lines of its journal, the fate of its queue row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from apps.engine.run.program import Program, step_id
from apps.engine.run.state import (
    Command,
    Finish,
    Park,
    Queue,
    RecordStep,
    RunState,
    Status,
    TryStep,
    VerifyStep,
)
from apps.runs.adapters.journal import Change, StepLine, WorkFate
from apps.runs.adapters.payloads import LONGEST_STATE, dumped, fitting, state_stored
from apps.runs.adapters.place import Place
from apps.runs.adapters.queue import ClaimedRun
from apps.runs.rules.journal import step_row_id

log = structlog.get_logger(__name__)
STATES = {
    Status.READY: "waiting",
    Status.CLAIMED: "running",
    Status.WAITING: "waiting",
    Status.UNKNOWN: "waiting",
    Status.DONE: "done",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
}


class Pending:
    """The notes of one driver; `clear` them once they are written."""

    def __init__(self, place: Place, claimed: ClaimedRun) -> None:
        self._place = place
        self._claimed = claimed
        self._encoded: tuple[RunState, bytes | None, bytes | None] | None = None  # the latest state, its bytes
        self.lines: list[StepLine] = []
        self.given: tuple[int, bytes] | None = None  # the position that is being tried, and what its step gets
        self.fate = WorkFate.KEEP
        self.ready_at: datetime | None = None
        self.ended = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.lines or self.ended or self._claimed.was_taken or self.fate is not WorkFate.KEEP)

    def end(self) -> None:
        """Note that the run has ended."""
        self.fate, self.ended = WorkFate.DROP, True

    def take_back(self, lines: int) -> None:
        """Forget all but the first lines, and what was to become of the run."""
        del self.lines[lines:]
        self.fate, self.ended = WorkFate.KEEP, False

    def clear(self) -> None:
        """Begin anew: everything is written, the claim too."""
        self.lines.clear()
        self._claimed.was_taken = False
        if self.fate is not WorkFate.KEEP:
            self.fate, self.ended = WorkFate.KEEP, False

    def note(self, program: Program, commands: Sequence[Command], now: datetime) -> TryStep | VerifyStep | None:
        """Note what is to be written of the engine's commands; return the try that comes after it, if any."""
        following: TryStep | VerifyStep | None = None
        for command in commands:
            match command:
                case RecordStep():
                    self.record(program, command, now, None)
                case TryStep() | VerifyStep():
                    following = command
                case Queue():
                    self.fate, self.ready_at = WorkFate.QUEUE, command.ready_at
                case Park():
                    self.fate = WorkFate.DROP
                case Finish():
                    self.end()
        return following

    def record(self, program: Program, command: RecordStep, started_at: datetime, duration_us: int | None) -> None:
        """Note how a step stands, in place of what was noted of it before."""
        step = program.steps[command.index]
        key = step_id(self._claimed.id, step.name)
        if command.trace:
            log.error("step.bug", run_id=str(self._claimed.id), step=step.name, trace=command.trace)
        line = StepLine(
            id=step_row_id(self._claimed.id, key),
            position=step.index,
            name=step.name,
            kind=step.kind,
            path=step.path,
            module=step.module,
            key=key,
            state=command.state,
            attempt=command.attempt,
            started_at=started_at,
            duration_us=duration_us,
            input=self.given[1] if self.given is not None and self.given[0] == step.index else None,
            output=None if command.output is None else self.shown(dumped(command.output)),
            error=None if command.error is None else self.shown(dumped(command.error)),
            logs=b"".join(self.shown(dumped(entry)) + b"\n" for entry in command.logs) or None,
        )
        self.lines = [other for other in self.lines if other.id != line.id]
        self.lines.append(line)

    def change(self, state: RunState, owner: UUID, try_until: datetime | None) -> Change:
        """Return all of it as one change of the run that `owner` has claimed."""
        wait = state.wait
        progress, output = self.kept(state)
        response: dict[str, Any] | None = state.variables.response
        return Change(
            run_id=self._claimed.id,
            tenant_id=self._claimed.tenant_id,
            owner=owner,
            epoch=self._claimed.epoch,
            state=STATES[state.status],
            progress=progress,
            wait_reason=None if wait is None else wait.reason.value,
            wait_since=None if wait is None else wait.since,
            wait_until=None if wait is None else wait.until,
            wait_for=None if wait is None else wait.frees,
            output=output,
            error=None if state.error is None else self.shown(dumped(state.error)),
            http_status=response["status"] if state.status.is_final and response else None,
            ended=self.ended,
            has_delivery=self._claimed.delivery_id is not None,
            steps=list(self.lines),
            work=self.fate,
            ready_at=self.ready_at,
            try_until=try_until,
        )

    def kept(self, state: RunState) -> tuple[bytes | None, bytes | None]:
        """Return progress and output as stored. Raises `PayloadTooLarge` unless the run has failed."""
        if self._encoded is None or self._encoded[0] is not state:
            progress, output = _encoded(state)
            self._encoded = (state, progress, None if output is None else self.shown(output))
        return self._encoded[1:]

    def shown(self, payload: bytes) -> bytes:
        """Return what tells of the run without the values of secrets; what it goes on with keeps them."""
        return self._place.known.redactor.payload(payload)


def _encoded(state: RunState) -> tuple[bytes | None, bytes | None]:
    """Return a state's progress and output as stored; a failed run may lack either when it is too large."""
    if state.status is Status.DONE:
        return None, dumped(state.output)
    if state.status.is_final:
        return fitting(state.as_dict(), LONGEST_STATE), fitting(state.output)
    return state_stored(state), None
