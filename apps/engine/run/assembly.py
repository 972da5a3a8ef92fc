"""Put nodes one behind the other into a flat program: every node knows its size, so every jump is known when emitted.

A node turns itself into one or more steps with `emit(into, scope, index, after)`: `index` is where its first step goes
and `after` where the program continues behind it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from apps.engine.module import Context, Effect
from apps.engine.outcome import Outcome, StepFailed
from apps.engine.run.effects import with_ledger
from apps.engine.run.program import END, Given, Program, Replay, RetryPolicy, Step, StepCall, Variables
from apps.engine.run.target import Target, value_of

MOST_STEPS = 5_000  # of one program, inlined pipelines counted

Payload = Callable[[Variables, Context], Any]  # a coroutine function when `needs_secrets`


class TooManySteps(Exception):
    """A program would grow past `MOST_STEPS`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a node stands: names are prefixed, `respond` goes to `end`, a final failure goes to `on_error`.

    `retry` is what the caller of an inlined pipeline asks for. It goes before what a module inside brings along, and
    behind what the document says nearer to the call: in a step inside, or in the config of the module that it calls.
    """

    prefix: str = ""
    end: int = END
    on_error: int | None = None
    retry: RetryPolicy | None = None


class Node(Protocol):
    """One element of a program before it is laid out."""

    @property
    def size(self) -> int:
        """Number of steps, the insides counted."""

    @property
    def roots(self) -> frozenset[str]:
        """The names its expressions use."""

    def emit(self, into: "Assembler", scope: Scope, index: int, after: int) -> None:
        """Add the steps."""


@dataclass(slots=True)
class Assembler:
    """Collects the steps of one program."""

    entry: str
    section: str = ""
    steps: dict[int, Step] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def add(self, scope: Scope, index: int, name: str, kind: str, call: StepCall, **more: Any) -> None:
        """Add one step; `full` is its name when `unique` has given it already."""
        full = more.pop("full", None) or self.unique(scope, index, name, kind)
        more.setdefault("retry", scope.retry or RetryPolicy())
        self.steps[index] = Step(index, full, kind, call, on_error=scope.on_error, **more)

    def unique(self, scope: Scope, index: int, name: str, kind: str) -> str:
        """Return the full name of a step and keep it from being given twice."""
        full = scope.prefix + (name or f"{kind}-{index}")
        if full in self.names:
            full = f"{full}-{index}"
        self.names.add(full)
        return full

    def program(self, nodes: Sequence[Node], tail: Sequence[Node] = ()) -> Program:
        """Lay the nodes out and return the program; a final failure in `nodes` goes on at `tail`, when there is one."""
        block, rest = Block(tuple(nodes)), Block(tuple(tail))
        size = block.size + rest.size
        if size > MOST_STEPS:
            raise TooManySteps(f"{self.entry} would have {size} steps; {MOST_STEPS} are allowed")
        behind = block.size if rest.size else END
        block.emit(self, Scope(end=behind, on_error=behind if rest.size else None), 0, behind)
        rest.emit(self, Scope(), block.size, END)
        ordered = tuple(self.steps[index] for index in sorted(self.steps))
        return Program(self.entry, ordered, self.section, block.roots | rest.roots)


@dataclass(frozen=True, slots=True)
class Block:
    """Nodes in sequence. Size and names are counted once, since one block may be used many times over."""

    nodes: tuple[Node, ...]
    size: int = field(init=False)
    roots: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(node.size for node in self.nodes))
        object.__setattr__(self, "roots", frozenset().union(*(node.roots for node in self.nodes)))

    def emit(self, into: Assembler, scope: Scope, index: int, after: int) -> None:
        """Add the nodes; the last one continues at `after`."""
        end = index + self.size
        for node in self.nodes:
            following = index + node.size
            node.emit(into, scope, index, after if following == end else following)
            index = following


@dataclass(frozen=True, slots=True)
class Plain:
    """One step made by `build(after)`; the common form of nodes that call nothing outside."""

    kind: str
    build: Callable[[Scope, int], StepCall]
    name: str = ""
    path: str = ""
    roots: frozenset[str] = frozenset()
    is_async: bool = False
    writes: bool = False
    given: Given | None = None
    given_roots: frozenset[str] = frozenset()
    replay: Replay | None = None
    module: str = ""
    size: int = 1

    def emit(self, into: Assembler, scope: Scope, index: int, after: int) -> None:
        """Add the step."""
        into.add(
            scope,
            index,
            self.name,
            self.kind,
            self.build(scope, after),
            path=self.path,
            is_async=self.is_async,
            writes=self.writes,
            given=self.given,
            given_roots=self.given_roots,
            replay=self.replay,
            module=self.module,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One try of a target. `keep` says where the output goes; `payload` None hands over the flowing data.

    With `into_data` the output is merged into the data, with `as_data` it takes the data's place, as in a flow.
    """

    target: Target
    name: str = ""
    path: str = ""
    kind: str = "uses"
    payload: Payload | None = None
    needs_secrets: bool = False
    told: Payload | None = None  # the payload as the run's story may tell it, where it has secrets in it
    keep: str = ""
    into_data: bool = False
    as_data: bool = False
    retry: RetryPolicy | None = None
    judged_later: bool = False  # an answer that means failure is not raised but left for the `settle` step
    roots: frozenset[str] = frozenset()
    size: int = 1

    def emit(self, into: Assembler, scope: Scope, index: int, after: int) -> None:
        """Add the step, async exactly when the call needs it."""
        name = into.unique(scope, index, self.name, self.kind)
        target = self.target
        store = _storing(self.keep or self.name or f"{self.kind}-{index}", self.into_data, self.judged_later, after)
        if self.as_data:
            store = _passing(store)
        is_async = target.is_async or self.needs_secrets or target.effect is not Effect.PURE
        call = _calling_async(self, name, store) if is_async else _calling(self, store)
        into.add(
            scope,
            index,
            self.name,
            self.kind,
            call,
            full=name,
            path=self.path,
            module=target.module,
            is_async=is_async,
            effect=target.effect,
            writes=target.writes,
            verify=_verifying(self, store) if target.verify else None,
            given=_given(self.told or (None if self.needs_secrets else self.payload)),
            given_roots=self.roots,
            replay=store,
            retry=self.retry or _retry(target, scope) or RetryPolicy(),
        )


def _retry(target: Target, scope: Scope) -> RetryPolicy | None:
    return target.retry if target.says_retry else scope.retry or target.retry


def _given(payload: Payload | None) -> Given | None:
    """Return a payload without its context: only payloads with secrets look at that."""
    return None if payload is None else lambda variables: payload(variables, cast(Context, None))


Store = Callable[[Variables, Any], tuple[Any, int]]


def _storing(keep: str, into_data: bool, judged_later: bool, after: int) -> Store:
    def store(variables: Variables, result: Any) -> tuple[Any, int]:
        if judged_later and isinstance(result, Outcome):
            variables.remember("failed_as_result", result.failed_as_result)
            value = result.value
        else:
            value = value_of(result) if type(result) is Outcome else result
        names = variables.names
        names["steps"] = {**names["steps"], keep: value}
        if into_data:
            merge(variables, value)
        return value, after

    return store


def _passing(store: Store) -> Store:
    """Let the output take the place of the data, and of an answer given before."""

    def passing(variables: Variables, result: Any) -> tuple[Any, int]:
        value, following = store(variables, result)
        variables.data = value
        variables.response = None
        return value, following

    return passing


def merge(variables: Variables, value: Any) -> None:
    """Merge an object into the flowing data."""
    names = variables.names
    try:
        names["data"] = {**names["data"], **value}
    except TypeError:
        raise StepFailed(
            "Only an object can be merged into data that is an object.", code="data.not_an_object", status=422
        ) from None


def _calling(node: Call, store: Store) -> StepCall:
    run, payload = node.target.call, node.payload

    def call(variables: Variables, context: Context) -> tuple[Any, int]:
        value = variables.names["data"] if payload is None else payload(variables, context)
        return store(variables, run(value, context))

    return call


def _calling_async(node: Call, name: str, store: Store) -> StepCall:
    run, target = node.target.call, node.target

    async def call(variables: Variables, context: Context) -> tuple[Any, int]:
        value = await _payload(node, variables, context)
        if target.effect is Effect.PURE:
            result = run(value, context)
            return store(variables, (await result) if target.is_async else result)
        result = await with_ledger(
            context,
            step=name,
            kind=target.module or target.name,
            effect=target.effect,
            call=lambda: run(value, context),
        )
        return store(variables, result)

    return call


def _verifying(node: Call, store: Store) -> StepCall:
    check = node.target.verify

    async def verify(variables: Variables, context: Context) -> tuple[Any, int] | None:
        if check is None:
            return None
        found = await check(await _payload(node, variables, context), context)
        return None if found is None else store(variables, found)

    return verify


async def _payload(node: Call, variables: Variables, context: Context) -> Any:
    if node.payload is None:
        return variables.names["data"]
    value = node.payload(variables, context)
    return (await value) if node.needs_secrets else value


@dataclass(frozen=True, slots=True)
class Inline:
    """A pipeline in place: its steps see names of their own, and what it leaves behind is the step's output."""

    block: Block
    name: str
    path: str = ""
    payload: Payload | None = None
    keep: str = ""
    into_data: bool = False
    retry: RetryPolicy | None = None
    own_roots: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Number of steps, the way in and out counted."""
        return self.block.size + 2

    @property
    def roots(self) -> frozenset[str]:
        """The names used inside and by the payload."""
        return self.block.roots | self.own_roots

    def emit(self, into: Assembler, scope: Scope, index: int, after: int) -> None:
        """Add enter, the steps, leave."""
        leave_at = index + 1 + self.block.size
        inner = replace(scope, prefix=f"{scope.prefix}{self.name}/", end=leave_at, retry=self.retry or scope.retry)
        enter = _entering(self.payload, index + 1)
        into.add(
            scope,
            index,
            self.name,
            "enter",
            enter,
            path=self.path,
            given=_given(self.payload),
            given_roots=self.own_roots,
            replay=lambda variables, output: enter(variables, cast(Context, None)),
        )
        self.block.emit(into, inner, index + 1, leave_at)
        store = _storing(self.keep or self.name, self.into_data, False, after)
        into.add(
            scope,
            leave_at,
            f"{self.name}.end",
            "leave",
            _leaving(store),
            path=self.path,
            replay=lambda variables, output: _left(variables, output, store),
        )


def _entering(payload: Payload | None, following: int) -> StepCall:
    def enter(variables: Variables, context: Context) -> tuple[Any, int]:
        outer = variables.names
        data = outer["data"] if payload is None else payload(variables, context)
        variables.frames = (*variables.frames, outer)
        variables.names = {**outer, "data": data, "input": data, "steps": {}, "error": None}
        return None, following

    return enter


def _leaving(store: Store) -> StepCall:
    def leave(variables: Variables, context: Context) -> tuple[Any, int]:
        response = variables.response
        output = variables.names["data"] if response is None else response["body"]
        return _left(variables, output, store)

    return leave


def _left(variables: Variables, output: Any, store: Store) -> tuple[Any, int]:
    """Go back to the names of the caller, and leave the output there."""
    variables.response = None
    variables.names = dict(variables.frames[-1])
    variables.frames = variables.frames[:-1]
    return store(variables, output)


def unwind(variables: Variables) -> None:
    """Leave all inlined pipelines at once, keeping the error that ended them."""
    if variables.frames:
        error = variables.names["error"]
        variables.names = {**variables.frames[0], "error": error}
        variables.frames = ()
    variables.response = None
