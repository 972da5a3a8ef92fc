"""Work runs off: claim one, drive it as far as it goes, write every step together with what the step wrote."""

import asyncio
import traceback
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.engine.local.queue import Queued, line_of
from apps.engine.module import Context
from apps.engine.run.decide import decide
from apps.engine.run.program import Program
from apps.engine.run.state import (
    Claimed,
    Command,
    Done,
    Event,
    Failed,
    Queue,
    RecordStep,
    RunState,
    Status,
    TryStep,
    VerifyStep,
    Woken,
)
from apps.engine.run.step import try_step, verify_step
from apps.engine.sampling import sample_run, sample_steps

if TYPE_CHECKING:
    from apps.engine.local.host import LocalHost
    from apps.engine.local.unit import LocalUnit

CONCURRENT = 16
POLL_SECONDS = 1.0


class LocalWorker:
    """Drives the runs of a host on the event loop of its caller."""

    def __init__(self, host: "LocalHost") -> None:
        self._host = host
        self._busy: set[UUID] = set()
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Say that there is something to do."""
        self._bell.set()

    async def step(self) -> bool:
        """Begin what is due by the clock, and drive the next run that is due; False when there is none."""
        self._host.timer.fire()
        run_id = self._host.queue.due(self._busy)
        if run_id is None:
            return False
        self._busy.add(run_id)
        try:
            await self._drive(run_id)
        except Exception:
            # The run stays claimed and due: the next claim counts a crash, and too many of them end it.
            self._host.report_bug(run_id, traceback.format_exc())
        finally:
            self._busy.discard(run_id)
        return True

    async def forever(self) -> None:
        """Drive runs, several at a time, until cancelled; woken by the bell and by the clock."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENT):
                group.create_task(self._lane_of_work())

    async def _lane_of_work(self) -> None:
        while True:
            if await self.step():
                self._bell.set()
                continue
            self._bell.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._bell.wait()

    def _pause(self) -> float:
        times = [time for time in (self._host.queue.next_time(), self._host.timer.next_time()) if time is not None]
        if not times:
            return POLL_SECONDS
        due = min(times)
        return min(POLL_SECONDS, max(0.005, (due - self._host.clock.now()).total_seconds()))

    async def _drive(self, run_id: UUID) -> None:
        queued = self._host.queue.load(run_id)
        if queued is None:
            return
        program = self._program(queued)
        if program is None:
            return
        drive = _Drive(self._host, queued, program)
        await drive.to_the_end()

    def _program(self, queued: Queued) -> Program | None:
        """Return the program; a run whose entry is gone with its document fails."""
        application = self._host.application(queued.scope)
        program = None if application is None else application.program(queued.state.entry)
        if program is None:
            state = queued.state
            state.status = Status.FAILED
            state.wait = None
            state.error = {"code": "run.entry_gone", "message": f"The document has no {state.entry} any more."}
            with self._host.store.transaction():
                self._host.queue.save(state, queued.steps, None)
        return program


class _Drive:
    """One claimed run."""

    def __init__(self, host: "LocalHost", queued: Queued, program: Program) -> None:
        self.host, self.program = host, program
        self.scope, self.state, self.steps = queued.scope, queued.state, queued.steps
        self.request_id, self.action = queued.request_id, queued.action
        self.section, self.accepted_at = queued.section, queued.accepted_at
        self.is_new = queued.is_new

    async def to_the_end(self) -> None:
        """Try steps until the run ends or waits."""
        now = self.host.clock.now()
        if self.state.status is Status.WAITING:
            self.state, _ = decide(self.program, self.state, Woken(), now)
        ledger = self.host.queue.ledger(self.scope, self.state.run_id, self.program, self.state)
        commands = self._write(Claimed(ledger), now, None)
        while True:
            action = next((command for command in commands if isinstance(command, TryStep | VerifyStep)), None)
            if action is None:
                return
            commands = await self._act(action)

    async def _act(self, action: TryStep | VerifyStep) -> list[Command]:
        started_at = self.host.clock.now()
        unit = self.host.new_unit(self.scope, quiet=self.state.quiet, way=self.state.way)
        context = Context(unit, run_id=self.state.run_id, request_id=self.request_id, action=self.action)
        event: Event
        try:
            if isinstance(action, VerifyStep):
                event = await verify_step(self.program, self.state, context)
            else:
                event = await try_step(self.program, self.state, context, receipt=action.receipt)
            return self._write(event, started_at, unit)
        finally:
            unit.release()

    def _write(self, event: Event, started_at: datetime, unit: "LocalUnit | None") -> list[Command]:
        """Write the new state, the story's new lines and, after a success, what the step did through its unit."""
        if self.host.queue.status(self.state.run_id).is_final:
            return []
        now = self.host.clock.now()
        state, commands = decide(self.program, self.state, event, now)
        lines = [line_of(self.program, each, started_at, now) for each in commands if isinstance(each, RecordStep)]
        if isinstance(event, Failed) and event.trace:
            self.host.report_bug(state.run_id, event.trace)
        with self.host.store.transaction():
            if unit is not None and isinstance(event, Done):
                unit.flush()
            if self.is_new:
                self.host.queue.begin(state)
            self.host.queue.save(state, [*self.steps, *lines], _ready_at(state, commands, now))
        self._sample(state, commands, now)
        self.state, self.steps, self.is_new = state, [*self.steps, *lines], False
        if unit is not None and unit.has_work:
            self.host.ring()
        return commands

    def _sample(self, state: RunState, commands: list[Command], now: datetime) -> None:
        """Feed the document's own `metrics.collector`."""
        metrics = self.host.metrics_of(self.scope)
        lines = [each for each in commands if isinstance(each, RecordStep)]
        sample_steps(metrics, [(self.program.steps[line.index].module, line.state) for line in lines])
        if state.status.is_final:
            seconds = (now - self.accepted_at).total_seconds()
            sample_run(metrics, self.section, self.action, seconds, is_success=state.status is Status.DONE)


def _ready_at(state: RunState, commands: list[Any], now: datetime) -> datetime | None:
    """A claimed run stays due: if this process dies, the next one finds it at once."""
    if state.status is Status.CLAIMED:
        return now
    return next((command.ready_at for command in commands if isinstance(command, Queue)), None)
