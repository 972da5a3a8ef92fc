"""What executes: a flat list of steps with jumps, one program per entry of an application.

A pipeline, a subscription handler, a hook, a processing step and a trigger are all programs, so that one driver in
place (requests) and one durable driver (workers) serve every section. Nested `if` and `switch` are flattened into
jumps at compile time: a run's position is one integer, which is what makes it resumable.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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
    """What the steps of one run see and leave behind; replaced copy-on-write, so recorded values stay as they were.

    `data` is the flowing payload, `steps` the outputs by step name, `input` the run's input, `request` the request
    (method, path, params, query, headers, claims) when there is one, `error` the error being handled.
    """

    __slots__ = ("data", "error", "input", "request", "response", "steps")

    def __init__(self, data: Any, request: dict[str, Any] | None = None) -> None:
        self.input = data
        self.data = data
        self.request = request
        self.steps: dict[str, Any] = {}
        self.error: Any = None
        self.response: dict[str, Any] | None = None  # set by `respond`: {status, headers, body}

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form a durable run is stored in."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Variables":
        """Rebuild from `as_dict`."""
        variables = cls(stored["data"], stored["request"])
        for name in cls.__slots__:
            setattr(variables, name, stored[name])
        return variables


# One try of one step: changes `variables`, returns (output for the record, index of the next step or END).
StepCall = Callable[[Variables, Context], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of work of a program.

    `call(variables, context)` returns `(output, next_index)`; it is a coroutine function exactly when `is_async`.
    `name` is unique in the program and stable over edits that do not touch it (given, else `kind-<index>`).
    """

    index: int
    name: str
    kind: str  # set, uses, validate, if, switch, emit, respond, transition, component ...
    call: StepCall
    is_async: bool = False
    effect: Effect = Effect.PURE
    retry: RetryPolicy = RetryPolicy()
    path: str = ""  # place in the document, e.g. workflows.pipelines.accept.steps[2]
    module: str = ""  # the module it uses, for colouring its node


@dataclass(frozen=True, slots=True)
class Program:
    """One entry of an application: `pipeline:<name>`, `module:<name>`, `transition:<machine>`, ..."""

    entry: str
    steps: tuple[Step, ...]
    is_async: bool
    is_pure: bool
    section: str = ""
    on_done: Callable[[Variables, Context], Any] | None = None
    on_failed: Callable[[Variables, Context, BaseException], Any] | None = None


@dataclass(slots=True)
class StepTrace:
    """One line of a run's record: times in nanoseconds of a monotonic clock relative to the run's start."""

    index: int
    name: str
    started_ns: int
    duration_ns: int
    output: Any
    error: dict[str, Any] | None = None
    logs: list[dict[str, Any]] = field(default_factory=list)
    attempt: int = 1
