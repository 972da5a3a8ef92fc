"""Drive one claimed run as far as it goes: the engine decides, this performs and commits (engine.md 3).

Pure steps are only written down with the next commit: nothing outside has seen them. Before a step that leaves the
house the state is committed, so that a later claim stands exactly there. What a step wrote through its unit is
committed together with its line in the journal.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
import structlog

from apps.engine.events import Hearing, beginning, ending
from apps.engine.links.following import is_forwarding
from apps.engine.module import Context, Effect
from apps.engine.ports import Unit
from apps.engine.run.decide import decide
from apps.engine.run.effects import error_of
from apps.engine.run.inputs import encoded, input_of
from apps.engine.run.program import Program, step_id
from apps.engine.run.state import (
    Claimed,
    Command,
    Done,
    Event,
    Failed,
    Finish,
    Ledger,
    Park,
    Queue,
    Receipt,
    RecordStep,
    RunState,
    Status,
    TryEvent,
    TryStep,
    VerifyStep,
    Woken,
)
from apps.engine.run.step import try_step, verify_step
from apps.engine.sampling import sample_run, sample_steps
from apps.runs.adapters.journal import Change, StepLine, WorkFate
from apps.runs.adapters.payloads import LONGEST_STATE, PayloadTooLarge, dumped, fitting, state_read, state_stored
from apps.runs.adapters.place import Place
from apps.runs.adapters.queue import TRY_GRACE, ClaimedRun
from apps.runs.adapters.services import Services
from apps.runs.adapters.telling import content, tell
from apps.runs.adapters.unit import HostedUnit
from apps.runs.rules.journal import step_row_id
from apps.runs.rules.redaction import redacted

log = structlog.get_logger(__name__)
NOBODY = Hearing("", lambda topic: False)  # takes in the lifecycle events of a run
STATES = {
    Status.READY: "waiting",
    Status.CLAIMED: "running",
    Status.WAITING: "waiting",
    Status.UNKNOWN: "waiting",
    Status.DONE: "done",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
}


class ClaimGone(Exception):
    """The lease was lost or somebody cancelled the run: what this driver knows is late and was not written."""


@dataclass(slots=True)
class Tried:
    """One try: its event, the unit it used, and when it ran."""

    event: Event
    unit: HostedUnit
    started_at: datetime
    duration_us: int


class Drive:
    """One run in hand."""

    def __init__(self, services: Services, place: Place, claimed: ClaimedRun, *, each_step: bool = False) -> None:
        self._services = services
        self._place = place
        self._claimed = claimed
        self._each_step = each_step  # commit pure steps one by one too (`record: step`)
        self._hearing = NOBODY if is_forwarding(claimed.source, claimed.entry) else place.hearing(claimed.section)
        self._lines: list[StepLine] = []
        self._given: tuple[int, bytes] | None = None  # the position that is being tried, and what its step gets
        self._fate = WorkFate.KEEP
        self._ready_at: datetime | None = None
        self._ended = False
        self._encoded: tuple[RunState, bytes | None, bytes | None] | None = None  # the latest state, its bytes
        self.has_work = False
        self.ends_at: datetime | None = None  # by when the present try must have ended
        self.state = state_read(claimed.id, claimed.progress, claimed.input)

    async def go(self) -> None:
        """Drive until the run ends, waits or is parked; raise `ClaimGone` when it is no longer ours."""
        program = self._place.application.program(self.state.entry)
        if program is None:
            await self.give_up(
                {"code": "entry.missing", "message": f"The document has no {self.state.entry} any more."}
            )
            return
        try:
            await self._follow(program)
        except PayloadTooLarge as problem:  # even the failure of a step leaves too much
            await self._give_up_at(program, error_of(problem))

    async def _follow(self, program: Program) -> None:
        commands = self._take(program)
        await self._begin()
        while True:
            command = self._perform(program, commands)
            if command is None:
                await self._flush()
                return
            commands = await self._step(program, command)

    def _take(self, program: Program) -> list[Command]:
        now = self._services.clock.now()
        state = self.state
        is_overdue = self._claimed.is_overdue and state.status is Status.CLAIMED
        if self._claimed.was_taken and state.status is Status.READY:
            state.status = Status.CLAIMED  # its claim was never written down; the silent owner counts as a crash
        if state.status is Status.WAITING:
            state, _ = decide(program, state, Woken(), now)
        self.state, commands = decide(program, state, Claimed(self._ledger(program, state), is_overdue), now)
        return commands

    async def _begin(self) -> None:
        """Write the claim down: after a silent owner's, and when somebody is to be told that the run has begun."""
        if self._claimed.sequence == 1 and self._hearing.begin and not self.state.quiet:
            unit = self._unit()
            run = self._named() | {"started_at": self._claimed.started_at}
            tell(unit.broker, [beginning(run | {"input": content(self._claimed.input, self._place.known)})])
            await self._commit_unit(unit)
        elif self._claimed.was_taken:
            await self._flush()

    def _ledger(self, program: Program, state: RunState) -> Ledger | None:
        step = program.steps[state.position]
        key = (step_id(state.run_id, step.name), state.step_attempt)
        if key not in self._claimed.effects:
            return None
        receipt = self._claimed.effects[key]
        return Ledger(None if receipt is None else Receipt.from_dict(orjson.loads(receipt)))

    def _perform(self, program: Program, commands: Sequence[Command]) -> TryStep | VerifyStep | None:
        """Note what is to be written; return the try that comes after it, if any."""
        following: TryStep | VerifyStep | None = None
        for command in commands:
            match command:
                case RecordStep():
                    self._record(program, command, self._services.clock.now(), None)
                case TryStep() | VerifyStep():
                    following = command
                case Queue():
                    self._fate, self._ready_at = WorkFate.QUEUE, command.ready_at
                case Park():
                    self._fate = WorkFate.DROP
                case Finish():
                    self._fate, self._ended = WorkFate.DROP, True
        return following

    async def _step(self, program: Program, command: TryStep | VerifyStep) -> list[Command]:
        """Do one try and what follows from it, in the transaction of its unit when it wrote something."""
        step = program.steps[command.position]
        self.ends_at = self._services.clock.now() + timedelta(seconds=step.retry.timeout_seconds) + TRY_GRACE
        self._given = (step.index, self._shown(redacted(encoded(input_of(step, self.state.variables)))))
        if step.effect is not Effect.PURE and not self._is_replay(command):
            self._record(program, RecordStep(step.index, command.attempt, "claimed"), self._services.clock.now(), None)
            await self._flush()
        tried = await self._try(program, command)
        self.ends_at = None
        before = self.state
        try:
            return await self._settle(program, tried)
        except PayloadTooLarge as problem:
            self.state = before
            await tried.unit.rollback()
            tried.event = Failed(error_of(problem))
            return await self._settle(program, tried)

    async def _try(self, program: Program, command: TryStep | VerifyStep) -> Tried:
        claimed = self._claimed
        unit = self._unit()
        context = Context(cast(Unit, unit), run_id=claimed.id, request_id=claimed.request_id, action=claimed.action)
        started_at, began = self._services.clock.now(), time.perf_counter_ns()
        event: TryEvent | Event
        try:
            if isinstance(command, VerifyStep):
                event = await verify_step(program, self.state, context)
            else:
                event = await try_step(program, self.state, context, receipt=command.receipt)
        except BaseException:
            await unit.rollback()
            raise
        return Tried(event, unit, started_at, (time.perf_counter_ns() - began) // 1000)

    async def _settle(self, program: Program, tried: Tried) -> list[Command]:
        self.state, commands = decide(program, self.state, tried.event, self._services.clock.now())
        lines = len(self._lines)
        for command in commands:
            if isinstance(command, RecordStep):
                self._record(program, command, tried.started_at, tried.duration_us)
        remaining = [command for command in commands if not isinstance(command, RecordStep)]
        try:
            self._kept()
            following = self._perform(program, remaining)
            if isinstance(tried.event, Done) and tried.unit.has_written:
                await self._commit_unit(tried.unit)
            else:
                await tried.unit.rollback()
                if self._each_step:
                    await self._flush()
        except PayloadTooLarge:
            del self._lines[lines:]
            self._fate, self._ended = WorkFate.KEEP, False
            raise
        return [] if following is None else [following]

    def _unit(self) -> HostedUnit:
        claimed, state = self._claimed, self.state
        return HostedUnit(
            self._services, self._place, claimed.id, claimed.request_id, quiet=state.quiet, links=state.links
        )

    async def _commit_unit(self, unit: HostedUnit) -> None:
        if self._tells_end:
            tell(unit.broker, self._end())
        committed = await unit.commit(change=self._change())
        self.has_work = self.has_work or committed.has_work
        if committed.is_refused or committed.sequence is None:
            raise ClaimGone(str(self._claimed.id))
        self._written(committed.sequence)

    async def _flush(self) -> None:
        """Commit what was noted, in a group with other runs."""
        if not (self._lines or self._ended or self._claimed.was_taken or self._fate is not WorkFate.KEEP):
            return
        if self._tells_end:
            await self._commit_unit(self._unit())
            return
        sequence = await self._services.journal.put(self._change())
        if sequence is None:
            raise ClaimGone(str(self._claimed.id))
        self.has_work = self.has_work or (self._ended and self._claimed.delivery_id is not None)
        self._written(sequence)

    @property
    def _tells_end(self) -> bool:
        """Whether the run ends with what is to be written, and somebody listens for that."""
        return self._ended and not self.state.quiet and self._hearing.hears_end(STATES[self.state.status])

    def _end(self) -> list[dict[str, Any]]:
        now, began = self._services.clock.now(), self._claimed.started_at
        run = {
            "state": STATES[self.state.status],
            "finished_at": now,
            "duration_us": int((now - began).total_seconds() * 1_000_000),
            "output": content(fitting(self.state.output), self._place.known),
            "error": self._place.known.redactor.tree(self.state.error),
        }
        return ending(self._named() | run)

    def _named(self) -> dict[str, Any]:
        claimed = self._claimed
        return {"section": claimed.section, "action": claimed.action, "workflow": claimed.workflow_name}

    def _written(self, sequence: int) -> None:
        if self._place.is_measured:
            self._sample()
        self._lines.clear()
        self._claimed.was_taken = False
        if self._fate is not WorkFate.KEEP:
            self._fate, self._ended = WorkFate.KEEP, False
        self._services.hints.tell(self._claimed.tenant_id, self._claimed.id, sequence)

    def _sample(self) -> None:
        """Feed the document's own `metrics.collector`."""
        samples = self._place.samples
        sample_steps(samples, [(line.module, line.state) for line in self._lines])
        if self._ended:
            seconds = (self._services.clock.now() - self._claimed.started_at).total_seconds()
            is_success = self.state.status is Status.DONE
            sample_run(samples, self._claimed.section, self._claimed.action, seconds, is_success=is_success)

    def _change(self) -> Change:
        state, wait = self.state, self.state.wait
        final = state.status.is_final
        progress, output = self._kept()
        response = state.variables.response
        return Change(
            run_id=self._claimed.id,
            tenant_id=self._claimed.tenant_id,
            owner=self._services.owner,
            epoch=self._claimed.epoch,
            state=STATES[state.status],
            progress=progress,
            wait_reason=None if wait is None else wait.reason.value,
            wait_since=None if wait is None else wait.since,
            wait_until=None if wait is None else wait.until,
            wait_for=None if wait is None else wait.frees,
            output=output,
            error=None if state.error is None else self._shown(dumped(state.error)),
            http_status=response["status"] if final and response else None,
            ended=self._ended,
            has_delivery=self._claimed.delivery_id is not None,
            steps=list(self._lines),
            work=self._fate,
            ready_at=self._ready_at,
            try_until=self.ends_at,
        )

    def _kept(self) -> tuple[bytes | None, bytes | None]:
        """Return progress and output as stored. Raises `PayloadTooLarge` unless the run has failed."""
        if self._encoded is None or self._encoded[0] is not self.state:
            progress, output = _encoded(self.state)
            self._encoded = (self.state, progress, None if output is None else self._shown(output))
        return self._encoded[1:]

    def _shown(self, payload: bytes) -> bytes:
        """Return what tells of the run without the values of secrets; what it goes on with keeps them."""
        return self._place.known.redactor.payload(payload)

    def _record(self, program: Program, command: RecordStep, started_at: datetime, duration_us: int | None) -> None:
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
            input=self._given[1] if self._given is not None and self._given[0] == step.index else None,
            output=None if command.output is None else self._shown(dumped(command.output)),
            error=None if command.error is None else self._shown(dumped(command.error)),
            logs=b"".join(self._shown(dumped(entry)) + b"\n" for entry in command.logs) or None,
        )
        self._lines = [other for other in self._lines if other.id != line.id]
        self._lines.append(line)

    def _is_replay(self, command: TryStep | VerifyStep) -> bool:
        return isinstance(command, TryStep) and command.receipt is not None

    async def _give_up_at(self, program: Program, error: dict[str, Any]) -> None:
        step, now = program.steps[self.state.position], self._services.clock.now()
        self._record(program, RecordStep(step.index, self.state.step_attempt, "failed", error=error), now, None)
        await self.give_up(error | {"step": step.name})

    async def give_up(self, error: dict[str, Any]) -> None:
        """End a run that no program can drive."""
        self.state = replace(self.state, status=Status.FAILED, error=error, wait=None)
        self._fate, self._ended = WorkFate.DROP, True
        await self._flush()


def _encoded(state: RunState) -> tuple[bytes | None, bytes | None]:
    """Return a state's progress and output as stored; a failed run may lack either when it is too large."""
    if state.status is Status.DONE:
        return None, dumped(state.output)
    if state.status.is_final:
        return fitting(state.as_dict(), LONGEST_STATE), fitting(state.output)
    return state_stored(state), None
