"""A durable run between two steps, and everything that can happen to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from apps.engine.hops import BEGINNING, Way
from apps.engine.run.failure import FailurePoint
from apps.engine.run.packing import Pool, from_whole, packed, unpacked
from apps.engine.run.program import Variables
from apps.engine.run.waits import Wait, for_worker


class Status(StrEnum):
    """Where a run stands; `unknown` is a step whose effect may or may not have happened."""

    READY = "ready"
    CLAIMED = "claimed"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the run any more."""
        return self in FINAL


FINAL = frozenset({Status.DONE, Status.FAILED, Status.CANCELLED})


@dataclass(slots=True)
class RunState:
    """One run: which step is next, on which attempt, with which variables. Written with every step."""

    run_id: UUID
    entry: str
    variables: Variables
    position: int = 0
    step_attempt: int = 1
    status: Status = Status.READY
    wait: Wait | None = None
    crashes: int = 0  # claims of the present attempt that ended without a word, or without an answer to a check
    output: Any = None
    error: dict[str, Any] | None = None
    quiet: bool = False  # follows from a lifecycle event and has none of its own
    given: Any = None  # what the run began with
    is_apart: bool = False  # `given` is kept beside the state, so that it is not stored twice
    way: Way = BEGINNING  # what led to it
    failed_at: FailurePoint | None = None  # as long as the failure is what the run goes on with
    tries: int = 1  # the highest attempt of any step it has left behind

    @classmethod
    def start(
        cls, run_id: UUID, entry: str, data: Any, now: datetime, *, quiet: bool = False, way: Way = BEGINNING
    ) -> "RunState":
        """Return the state in which a run is accepted."""
        return cls(run_id, entry, Variables(data), wait=for_worker(now), quiet=quiet, given=data, way=way)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, in which every value stands once, and `given` only when it is not kept apart."""
        pool = Pool(self.given)
        failed_at = {} if self.failed_at is None else {"failed_at": self.failed_at.as_dict(pool)}
        return {
            "entry": self.entry,
            "variables": packed(self.variables, pool),
            "position": self.position,
            "attempt": self.step_attempt,
            "status": self.status.value,
            "wait": None if self.wait is None else self.wait.as_dict(),
            "crashes": self.crashes,
            "output": pool.place(self.output),
            "error": self.error,
            "quiet": self.quiet,
            "is_apart": self.is_apart,
            "values": [None, *pool.values[1:]] if self.is_apart else pool.values,
            **({"links": self.way.links} if self.way.links else {}),
            **({"depth": self.way.depth} if self.way.depth else {}),
            **({"tries": self.tries} if self.tries > 1 else {}),
            **failed_at,
        }

    @classmethod
    def from_dict(cls, run_id: UUID, stored: dict[str, Any], given: Any = None) -> "RunState":
        """Rebuild from `as_dict`; `given` is what was kept apart."""
        wait, values, is_apart = stored["wait"], stored.get("values"), stored.get("is_apart", False)
        failed_at: FailurePoint | None = None
        if values is None:
            variables, output, given = from_whole(stored["variables"]), stored["output"], None
        else:
            given = given if is_apart else values[0]
            values = [given, *values[1:]]
            variables, output = unpacked(stored["variables"], values), values[stored["output"]]
            if "failed_at" in stored:
                failed_at = FailurePoint.from_dict(stored["failed_at"], values)
        return cls(
            run_id,
            stored["entry"],
            variables,
            stored["position"],
            stored["attempt"],
            Status(stored["status"]),
            None if wait is None else Wait.from_dict(wait),
            stored["crashes"],
            output,
            stored["error"],
            stored.get("quiet", False),
            given,
            is_apart,
            way_stored(stored),
            failed_at,
            stored.get("tries", 1),
        )


def way_stored(stored: Mapping[str, Any]) -> Way:
    """Return the way that `RunState.as_dict` tells of."""
    return Way(tuple(stored.get("links", ())), stored.get("depth", 0))


# --- events: what may happen to a run ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came back from an effect: a value, or the error with which the target itself answered."""

    value: Any = None
    error: dict[str, Any] | None = None
    failed_as_result: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form stored by `Effects.receipt`."""
        return {"value": self.value, "error": self.error, "failed_as_result": self.failed_as_result}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Receipt":
        """Rebuild from `as_dict`; anything else stored by a person is the value."""
        if isinstance(stored, dict) and {"value", "error"} <= stored.keys():
            return cls(stored["value"], stored["error"], stored.get("failed_as_result"))
        return cls(stored)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the effect ledger holds for (step, attempt): there is an intent, and maybe a receipt."""

    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker took the run; `ledger` is None when the present attempt of the step has no intent.

    `is_overdue` says that it was taken from an owner who was alive and had not ended a try in its time.
    """

    ledger: Ledger | None = None
    is_overdue: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A try succeeded."""

    variables: Variables
    output: Any
    following: int
    logs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failed:
    """A try failed and no other can succeed. `trace` is for operators only (a fault of the engine)."""

    error: dict[str, Any]
    logs: list[dict[str, Any]] = field(default_factory=list)
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """A try failed and another may succeed, `after` seconds from now or after the step's own pause.

    One that failed for want of our own store is `free`: it counts as no attempt.
    """

    error: dict[str, Any]
    after: float | None = None
    logs: list[dict[str, Any]] = field(default_factory=list)
    free: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """A try ended without an answer: whether the effect happened is not known here."""

    error: dict[str, Any]
    logs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NotHappened:
    """The target was asked and says that the effect did not happen."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """The target could not be asked: ask again later, or, when it cannot be asked at all (`final`), ask a person."""

    error: dict[str, Any]
    after: float | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Woken:
    """The wait is over: its time has come, or its event has."""


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """The worker went silent."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An unknown effect is known to have happened: a late receipt (already stored), or a person said so."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """A person decided to repeat an unknown effect, or to try a failed run again from the step that failed."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody cancelled the run, or its time is up; `error` says which."""

    error: dict[str, Any] | None = None


TryEvent = Done | Failed | Again | Lost
CheckEvent = Done | NotHappened | Unchecked
Event = TryEvent | CheckEvent | Claimed | Woken | LeaseLost | Settled | SendAgain | Cancelled


# --- commands: what the driver does about it, in one transaction with the state ---------------------------------------


@dataclass(frozen=True, slots=True)
class TryStep:
    """Try the step at `position` now, under the present claim; `receipt` replaces the call to the target."""

    position: int
    attempt: int
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class VerifyStep:
    """Ask the target whether the effect of the step at `position` happened."""

    position: int
    attempt: int


@dataclass(frozen=True, slots=True)
class RecordStep:
    """Write one line of the run's story; `state` is done, failed, waiting or unknown."""

    index: int
    attempt: int
    state: str
    output: Any = None
    error: dict[str, Any] | None = None
    logs: list[dict[str, Any]] = field(default_factory=list)
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """Give the claim back; the run may be claimed from `ready_at` on."""

    ready_at: datetime


@dataclass(frozen=True, slots=True)
class Park:
    """Give the claim back; nothing but an event makes the run ready."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The run has ended."""

    status: Status
    output: Any = None
    error: dict[str, Any] | None = None


Command = TryStep | VerifyStep | RecordStep | Queue | Park | Finish
