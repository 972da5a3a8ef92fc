"""What executes: a flat list of steps with jumps, one program per entry of an application.

A pipeline, a subscription handler, a hook, a processing step and a trigger are all programs, so that one driver in
place (requests) and one durable driver (workers) serve every section. Nested `if` and `switch` and inlined pipelines
are flattened into jumps at compile time: a run's position is one integer, which is what makes it resumable.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from apps.engine.module import Context, Effect

END = -1


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a step is tried in all, and the pauses between (data.md 7: 3 attempts, 1 s x 2, cap 60 s)."""

    attempts: int = 3
    first_pause_seconds: float = 1.0
    factor: float = 2.0
    longest_pause_seconds: float = 60.0
    timeout_seconds: float = 30.0


class Variables:
    """What the steps of one run see and leave behind.

    `names` is what expressions see: `data` the flowing payload, `input` what the run began with, `steps` the outputs
    by step name, `request` (method, path, params, query, headers, claims) or None, `run` (id, attempt) or None, and
    `error` the failure being handled. A step replaces values and never changes one in place, so recorded values stay
    as they were. `frames` holds the callers' names while an inlined pipeline runs.
    """

    __slots__ = ("frames", "names", "response")

    def __init__(self, data: Any, request: dict[str, Any] | None = None, run: dict[str, Any] | None = None) -> None:
        self.names: dict[str, Any] = {
            "data": data,
            "input": data,
            "steps": {},
            "request": request,
            "run": run,
            "error": None,
        }
        self.frames: tuple[dict[str, Any], ...] = ()
        self.response: dict[str, Any] | None = None  # set by `respond`: {status, headers, body}

    @property
    def data(self) -> Any:
        """The flowing payload."""
        return self.names["data"]

    @data.setter
    def data(self, value: Any) -> None:
        self.names["data"] = value

    @property
    def input(self) -> Any:
        """What the run began with."""
        return self.names["input"]

    @property
    def steps(self) -> dict[str, Any]:
        """Outputs by step name; replace it, do not change it."""
        found: dict[str, Any] = self.names["steps"]
        return found

    @property
    def request(self) -> dict[str, Any] | None:
        """The request, when there is one."""
        found: dict[str, Any] | None = self.names["request"]
        return found

    @property
    def error(self) -> dict[str, Any] | None:
        """The failure being handled, or None."""
        found: dict[str, Any] | None = self.names["error"]
        return found

    @error.setter
    def error(self, value: dict[str, Any] | None) -> None:
        self.names["error"] = value

    def remember(self, step: str, output: Any) -> None:
        """Leave `output` as `steps.<step>`."""
        self.names["steps"] = {**self.names["steps"], step: output}

    def copy(self) -> "Variables":
        """Return an independent copy; values are shared, since steps never change one in place."""
        other = Variables.__new__(Variables)
        other.names = dict(self.names)
        other.frames = self.frames
        other.response = self.response
        return other

    @classmethod
    def of(
        cls, names: dict[str, Any], frames: tuple[dict[str, Any], ...], response: dict[str, Any] | None
    ) -> "Variables":
        """Put together what was taken apart for storing."""
        variables = cls.__new__(cls)
        variables.names = names
        variables.frames = frames
        variables.response = response
        return variables


HIDDEN = "[redacted]"  # stands in stored values for what may not be stored

# What a try is given, from the variables before it; raises `StepFailed` as the step would.
Given = Callable[[Variables], Any]
# What a try that ended in an output did to the variables.
Replay = Callable[[Variables, Any], object]
# One try of one step: changes `variables`, returns (output for the record, index of the next step or END).
StepCall = Callable[[Variables, Context], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of work of a program.

    `call(variables, context)` returns `(output, next_index)`; it is a coroutine function exactly when `is_async`.
    `name` is unique in the program and stable over edits that do not touch it (given, else `kind-<index>`).
    A step whose `effect` is not pure is async: its call writes the intent before and the receipt after.
    """

    index: int
    name: str
    kind: str  # set, uses, validate, if, switch, emit, respond, enter, leave, transition, settle, producers
    call: StepCall
    is_async: bool = False
    effect: Effect = Effect.PURE
    retry: RetryPolicy = RetryPolicy()
    path: str = ""  # place in the document, e.g. workflows.pipelines.accept.steps[2]
    module: str = ""  # the module it uses, for colouring its node
    writes: bool = False  # changes something through the unit (publishes, moves an instance): not pure, needs no intent
    verify: StepCall | None = None  # checkable steps: a coroutine giving (output, next), or None if it did not happen
    on_error: int | None = None  # where the run goes on, with `error` set, when this step has finally failed
    given: Given | None = None  # None: the flowing data
    given_roots: frozenset[str] = frozenset()  # names that `given` uses
    replay: Replay | None = None  # None: the variables stay as they are
    is_silent: bool = False  # not in the run's story where it has neither output nor log

    @property
    def is_pure(self) -> bool:
        """Whether running it again, or not at all, would leave no difference outside the run."""
        return self.effect is Effect.PURE and not self.writes


@dataclass(frozen=True, slots=True)
class Program:
    """One entry of an application: `pipeline:<name>`, `message:<subscription>`, `transition:<machine>`, ...

    A run that reaches the end with `error` set has failed; what its last steps wrote is kept.
    """

    entry: str
    steps: tuple[Step, ...]
    section: str = ""
    roots: frozenset[str] = frozenset()  # names its expressions use: `request` and `run` are built only when asked for
    is_async: bool = field(init=False)
    is_pure: bool = field(init=False)
    calls: tuple[StepCall, ...] = field(init=False, repr=False)
    waits: tuple[bool, ...] = field(init=False, repr=False)  # which of the calls are coroutine functions

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_async", any(step.is_async for step in self.steps))
        object.__setattr__(self, "is_pure", all(step.is_pure for step in self.steps))
        object.__setattr__(self, "calls", tuple(step.call for step in self.steps))
        object.__setattr__(self, "waits", tuple(step.is_async for step in self.steps))


class StepTrace(NamedTuple):
    """One line of a run's record; times in nanoseconds of one monotonic clock.

    Drivers append plain tuples of these six values (building a named one costs more than a step); read them through
    `read_trace`. A failed try has `error` and no output.
    """

    position: int
    started_ns: int
    ended_ns: int
    output: Any
    error: dict[str, Any] | None
    logs: list[dict[str, Any]] | None


Trace = list[tuple[int, int, int, Any, dict[str, Any] | None, list[dict[str, Any]] | None]]


def read_trace(program: Program, trace: Trace) -> list[dict[str, Any]]:
    """Expand a trace to the JSON lines of a run page; times are microseconds since the first step began."""
    if not trace:
        return []
    origin = trace[0][1]
    return [_line(program.steps[entry[0]], StepTrace._make(entry), origin) for entry in trace]


def _line(step: Step, entry: StepTrace, origin: int) -> dict[str, Any]:
    return {
        "index": entry.position,
        "name": step.name,
        "kind": step.kind,
        "path": step.path,
        "module": step.module,
        "state": "failed" if entry.error else "done",
        "attempt": 1,
        "started_us": (entry.started_ns - origin) // 1000,
        "duration_us": (entry.ended_ns - entry.started_ns) // 1000,
        "output": entry.output,
        "error": entry.error,
        "logs": entry.logs or [],
    }


def step_id(run_id: UUID, step: str) -> UUID:
    """Return the id of a step of a run: the same over all attempts, so it serves as the idempotency key."""
    return uuid5(run_id, step)
