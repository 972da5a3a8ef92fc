"""Drive one claimed run as far as it goes: the engine decides, this performs and commits (engine.md 3).

Pure steps are only written down with the next commit: nothing outside has seen them. Before a step that leaves the
house the state is committed, so that a later claim stands exactly there. What a step wrote through its unit is
committed together with its line in the journal.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import orjson

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
    Ledger,
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
from apps.runs.adapters.journal import Change
from apps.runs.adapters.payloads import PayloadTooLarge, state_read
from apps.runs.adapters.place import Place
from apps.runs.adapters.queue import TRY_GRACE, ClaimedRun
from apps.runs.adapters.services import Services
from apps.runs.adapters.telling import tell
from apps.runs.adapters.unit import HostedUnit
from apps.runs.operations.pending import Pending
from apps.runs.operations.run_told import RunTold
from apps.runs.rules.redaction import redacted


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
        self._pending = Pending(place, claimed)
        self._told = RunTold(place, claimed)
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
            command = self._pending.note(program, commands, self._services.clock.now())
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
        if self._told.hears_beginning(self.state):
            unit = self._unit()
            tell(unit.broker, self._told.beginning())
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

    async def _step(self, program: Program, command: TryStep | VerifyStep) -> list[Command]:
        """Do one try and what follows from it, in the transaction of its unit when it wrote something."""
        step = program.steps[command.position]
        self.ends_at = self._services.clock.now() + timedelta(seconds=step.retry.timeout_seconds) + TRY_GRACE
        given = redacted(encoded(input_of(step, self.state.variables)))
        self._pending.given = (step.index, self._pending.shown(given))
        if step.effect is not Effect.PURE and not self._is_replay(command):
            claimed = RecordStep(step.index, command.attempt, "claimed")
            self._pending.record(program, claimed, self._services.clock.now(), None)
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
        lines = len(self._pending.lines)
        for command in commands:
            if isinstance(command, RecordStep):
                self._pending.record(program, command, tried.started_at, tried.duration_us)
        remaining = [command for command in commands if not isinstance(command, RecordStep)]
        try:
            self._pending.kept(self.state)
            following = self._pending.note(program, remaining, self._services.clock.now())
            if isinstance(tried.event, Done) and tried.unit.has_written:
                await self._commit_unit(tried.unit)
            else:
                await tried.unit.rollback()
                if self._each_step:
                    await self._flush()
        except PayloadTooLarge:
            self._pending.take_back(lines)
            raise
        return [] if following is None else [following]

    def _unit(self) -> HostedUnit:
        claimed, state = self._claimed, self.state
        return HostedUnit(self._services, self._place, claimed.id, claimed.request_id, quiet=state.quiet, way=state.way)

    async def _commit_unit(self, unit: HostedUnit) -> None:
        if self._tells_end:
            tell(unit.broker, self._told.end(self.state, self._services.clock.now()))
        committed = await unit.commit(change=self._change())
        self.has_work = self.has_work or committed.has_work
        if committed.is_refused or committed.sequence is None:
            raise ClaimGone(str(self._claimed.id))
        self._written(committed.sequence)

    async def _flush(self) -> None:
        """Commit what was noted, in a group with other runs."""
        if self._pending.is_empty:
            return
        if self._tells_end:
            await self._commit_unit(self._unit())
            return
        sequence = await self._services.journal.put(self._change())
        if sequence is None:
            raise ClaimGone(str(self._claimed.id))
        self.has_work = self.has_work or (self._pending.ended and self._claimed.delivery_id is not None)
        self._written(sequence)

    @property
    def _tells_end(self) -> bool:
        """Whether the run ends with what is to be written, and somebody listens for that."""
        return self._pending.ended and self._told.hears_end(self.state)

    def _change(self) -> Change:
        return self._pending.change(self.state, self._services.owner, self.ends_at)

    def _written(self, sequence: int) -> None:
        self._told.sample(self._pending.lines)
        if self._pending.ended:
            self._told.sample_end(self.state, self._services.clock.now())
        self._pending.clear()
        self._services.hints.tell(self._claimed.tenant_id, self._claimed.id, sequence)

    def _is_replay(self, command: TryStep | VerifyStep) -> bool:
        return isinstance(command, TryStep) and command.receipt is not None

    async def _give_up_at(self, program: Program, error: dict[str, Any]) -> None:
        step, now = program.steps[self.state.position], self._services.clock.now()
        failed = RecordStep(step.index, self.state.step_attempt, "failed", error=error)
        self._pending.record(program, failed, now, None)
        await self.give_up(error | {"step": step.name})

    async def give_up(self, error: dict[str, Any]) -> None:
        """End a run that no program can drive."""
        self.state = replace(self.state, status=Status.FAILED, error=error, wait=None)
        self._pending.end()
        await self._flush()
