"""Random lives of one run: the real `decide` and `try_step` under crashes, duplicates, late workers and clock jumps.

Everything durable is kept as bytes between two claims, as a database would. A seed fixes the whole schedule, so a
failing one can be kept as a test. In some lives the steps stand in a pipeline, and what has finally failed is tidied up
behind it and tried again by a person.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson

from apps.engine.module import Context, Effect
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import Unit
from apps.engine.run.assembly import Assembler, Block, Call, Inline, Node, Plain, unwind
from apps.engine.run.decide import decide
from apps.engine.run.program import END, Program, RetryPolicy, StepCall, Variables, step_id
from apps.engine.run.state import (
    CheckEvent,
    Claimed,
    Command,
    Event,
    LeaseLost,
    Ledger,
    Queue,
    Receipt,
    RunState,
    SendAgain,
    Settled,
    Status,
    TryEvent,
    TryStep,
    VerifyStep,
    Woken,
)
from apps.engine.run.step import try_step, verify_step
from apps.engine.run.target import Target

MOST_MOVES = 400
LEASE = timedelta(seconds=30)
REFUSED = "simulated.refused"
PIPELINE = "inner"
EFFECTS = (Effect.PURE, Effect.IDEMPOTENT, Effect.CHECKABLE, Effect.ONCE)


class Crash(BaseException):
    """The process is gone."""


class BrokenPromise(AssertionError):
    """A law of runs does not hold; the seed is in the text."""


@dataclass(slots=True)
class _World:
    """What has really happened outside: how often each key arrived, and how often it took effect."""

    arrived: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    given: dict[str, Any] = field(default_factory=dict)
    astray: list[str] = field(default_factory=list)  # what was given something else than at its first try


class _Effects:
    """The ledger; it survives crashes."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation

    async def intend(self, step: UUID, attempt: int, *, kind: str, effect: str, key: str) -> None:
        self._simulation.maybe_crash("started-no-effect")
        self._simulation.ledger.setdefault((step, attempt), None)

    async def receipt(self, step: UUID, attempt: int, data: Any) -> None:
        self._simulation.maybe_crash("effect-no-record")
        self._simulation.ledger[step, attempt] = orjson.dumps(data)
        self._simulation.late_receipt(step, attempt)


class _SimulatedUnit:
    """A unit of work with a ledger and nothing else."""

    def __init__(self, simulation: "Simulation") -> None:
        self.effects = _Effects(simulation)


class Simulation:
    """One run of one program, from its acceptance to its end."""

    def __init__(self, seed: int, *, crash_rate: float = 0.15, zombie_rate: float = 0.1) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.crash_rate, self.zombie_rate = crash_rate, zombie_rate
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.run_id = UUID(int=self.chance.getrandbits(128), version=4)
        self.world = _World()
        self.ledger: dict[tuple[UUID, int], bytes | None] = {}
        self.epoch = 0
        self.zombies = 0
        self.sent_again: Counter[str] = Counter()
        self.revived = 0
        self.is_nested = self.chance.random() < 0.5
        self.kinds = [self.chance.choice(EFFECTS) for _ in range(self.chance.randint(1, 4))]
        self.program = self._program()
        self.stored = orjson.dumps(RunState.start(self.run_id, self.program.entry, {"n": 0}, self.now).as_dict())
        self.ready_at: datetime | None = self.now

    # --- the world ------------------------------------------------------------------------------------------------

    def _program(self) -> Program:
        retry = RetryPolicy(attempts=40, first_pause_seconds=1.0)
        nodes: list[Node] = [
            Call(self._target(self._name(index), effect), f"s{index}", payload=_seen, keep=f"s{index}", retry=retry)
            for index, effect in enumerate(self.kinds)
        ]
        if self.is_nested:
            nodes = [
                Inline(Block(tuple(nodes)), PIPELINE, payload=lambda variables, context: {"n": variables.data["n"] + 1})
            ]
        return Assembler("pipeline:simulated", "pipelines").program(nodes, [Plain("set", _tidying, "tidied")])

    def _name(self, index: int) -> str:
        return f"{PIPELINE}/s{index}" if self.is_nested else f"s{index}"

    def _target(self, name: str, effect: Effect) -> Target:
        key = str(step_id(self.run_id, name))

        async def call(payload: Any, context: Context) -> Any:
            if self.world.given.setdefault(key, payload) != payload:
                self.world.astray.append(f"{name} was given {payload}")
            return await self._reach(key, effect)

        async def verify(payload: Any, context: Context) -> Any:
            self.maybe_crash("verifying")
            if self.chance.random() < 0.3:
                raise TryAgain("the check is busy", after=self.chance.choice((None, 1.0)))
            return {"key": key} if self.world.happened[key] else None

        return Target(name, call, True, effect, verify=verify if effect is Effect.CHECKABLE else None)

    async def _reach(self, key: str, effect: Effect) -> Any:
        self.maybe_crash("started-no-effect")
        if self.chance.random() < 0.1:
            raise TryAgain("busy", after=self.chance.choice((None, 0.0, 5.0)))
        if self.chance.random() < 0.05 and not self.world.happened[key]:
            raise StepFailed("refused", code=REFUSED)
        self.world.arrived[key] += 1
        if effect is not Effect.IDEMPOTENT or not self.world.happened[key]:
            self.world.happened[key] += 1
        self.maybe_crash("effect-no-record")
        if self.zombies == 0 and self.chance.random() < self.zombie_rate:
            await self._overtaken()
        return {"key": key}

    async def _overtaken(self) -> None:
        """This worker is slow: its lease runs out and another one lives on while it still waits for its answer."""
        self.zombies += 1
        self.now += LEASE
        self._happen(LeaseLost())
        try:
            await self._worker()
        finally:
            self.zombies -= 1

    def maybe_crash(self, point: str) -> None:
        """End the process here, sometimes."""
        if self.chance.random() < self.crash_rate / 3:
            raise Crash(point)

    def late_receipt(self, step: UUID, attempt: int) -> None:
        """A receipt settles an effect that was given up as unknown."""
        state = self.load()
        mine = step_id(self.run_id, self.program.steps[state.position].name)
        if state.status is Status.UNKNOWN and (mine, state.step_attempt) == (step, attempt):
            self._happen(Settled())

    # --- what is durable ------------------------------------------------------------------------------------------

    def load(self) -> RunState:
        """Return the state as stored."""
        return RunState.from_dict(self.run_id, orjson.loads(self.stored))

    def _write(self, state: RunState, commands: list[Command]) -> None:
        self.stored = orjson.dumps(state.as_dict())
        queued = next((command.ready_at for command in commands if isinstance(command, Queue)), None)
        self.ready_at = self.now + LEASE if state.status is Status.CLAIMED and queued is None else queued
        if not state.status.is_final and state.status is not Status.CLAIMED and state.wait is None:
            raise BrokenPromise(f"seed {self.seed}: {state.status} without a reason")

    def _happen(self, event: Event) -> list[Command]:
        state, commands = decide(self.program, self.load(), event, self.now)
        self._write(state, commands)
        return commands

    # --- workers --------------------------------------------------------------------------------------------------

    async def _worker(self) -> None:
        """Claim and drive until the run ends, waits, or this process dies."""
        self.epoch += 1
        mine = self.epoch
        state = self.load()
        if state.status is Status.WAITING:
            self._happen(Woken())
        try:
            commands = self._happen(Claimed(self._ledger()))
            self.maybe_crash("claimed-not-started")
            while (action := _action(commands)) is not None:
                event = await self._try(action)
                if self.epoch != mine:
                    return
                self.maybe_crash("effect-no-record")
                commands = self._happen(event)
                self.maybe_crash("acked-no-next")
        except Crash:
            if self.zombies:
                raise

    async def _try(self, action: TryStep | VerifyStep) -> TryEvent | CheckEvent:
        context = Context(cast(Unit, _SimulatedUnit(self)), run_id=self.run_id)
        if isinstance(action, VerifyStep):
            return await verify_step(self.program, self.load(), context)
        return await try_step(self.program, self.load(), context, receipt=action.receipt)

    def _ledger(self) -> Ledger | None:
        state = self.load()
        place = (step_id(self.run_id, self.program.steps[state.position].name), state.step_attempt)
        if place not in self.ledger:
            return None
        stored = self.ledger[place]
        return Ledger(None if stored is None else Receipt.from_dict(orjson.loads(stored)))

    def _person(self) -> None:
        """Look at an unknown effect and press the right button."""
        state = self.load()
        step = self.program.steps[state.position]
        key = str(step_id(self.run_id, step.name))
        if self.world.happened[key]:
            self.ledger[UUID(key), state.step_attempt] = orjson.dumps(Receipt({"key": key}).as_dict())
            self._happen(Settled())
        else:
            self.sent_again[key] += 1
            self._happen(SendAgain())

    # --- a life ---------------------------------------------------------------------------------------------------

    async def live(self) -> RunState:
        """Let things happen until the run has ended; raise `BrokenPromise` when it is lost, doubled or stranded."""
        for _ in range(MOST_MOVES):
            state = self.load()
            if state.status is Status.FAILED and (state.error or {}).get("code") == REFUSED:
                self.revived += 1
                self._happen(SendAgain())
                continue
            if state.status.is_final:
                self._judge(state)
                return state
            if state.status is Status.UNKNOWN:
                self._person()
                continue
            if self.ready_at is None:
                raise BrokenPromise(f"seed {self.seed}: {state.status} and nothing will wake it")
            self.now = max(self.now, self.ready_at) + timedelta(seconds=self.chance.choice((0, 0, 1, 3600)))
            await self._worker()
        raise BrokenPromise(f"seed {self.seed}: no end after {MOST_MOVES} moves")

    def _judge(self, state: RunState) -> None:
        for index, effect in enumerate(self.kinds):
            key = str(step_id(self.run_id, self._name(index)))
            times = self.world.happened[key]
            if state.status is Status.DONE and effect is not Effect.PURE and times == 0:
                raise BrokenPromise(f"seed {self.seed}: done without the effect of step {index}")
            if effect in (Effect.IDEMPOTENT, Effect.ONCE, Effect.CHECKABLE) and times > 1:
                raise BrokenPromise(f"seed {self.seed}: {effect} step {index} happened {times} times")
        if state.status is not Status.DONE:
            raise BrokenPromise(f"seed {self.seed}: ended {state.status}: {state.error}")
        if self.world.astray:
            raise BrokenPromise(f"seed {self.seed}: {self.world.astray[0]}")
        names = [PIPELINE] if self.is_nested else [self._name(index) for index in range(len(self.kinds))]
        if state.output != {"n": 0} or [*state.variables.steps] != [*names, "tidied"] or state.variables.frames:
            raise BrokenPromise(f"seed {self.seed}: something is left of a failure: {state.variables.names}")


def _seen(variables: Variables, context: Context) -> Any:
    """Return what tells whether a step stands where it belongs."""
    return {"data": variables.data, "input": variables.input, "steps": sorted(variables.steps)}


def _tidying(scope: Any, after: int) -> StepCall:
    def tidy(variables: Variables, context: Context) -> tuple[Any, int]:
        unwind(variables)
        if variables.error is not None:
            variables.data = None
            variables.remember("failed", True)
        variables.remember("tidied", True)
        return None, END

    return tidy


def _action(commands: list[Command]) -> TryStep | VerifyStep | None:
    return next((command for command in commands if isinstance(command, TryStep | VerifyStep)), None)


async def simulate(seeds: range) -> int:
    """Live through every seed and return how many; raise `BrokenPromise`, naming the seed, at the first fault."""
    for seed in seeds:
        await Simulation(seed).live()
    return len(seeds)
