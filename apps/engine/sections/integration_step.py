"""One step of the `integration` section in a program: the call, what follows, and what it tells (spec 4.6, 6).

Whether a link takes its lifecycle events in may change while a run is under way, and the places of a program's steps
may not. So the steps that tell of a beginning and of a failure are always there; where nobody listens they do nothing
and are not in the run's story.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from apps.engine import events
from apps.engine.connectors.base import ConnectorCall
from apps.engine.module import Context, Effect
from apps.engine.outcome import Postponed, StepFailed, TryAgain
from apps.engine.run.assembly import Assembler, Block, Payload, Scope, unwind
from apps.engine.run.effects import RECEIPT, with_ledger
from apps.engine.run.program import END, RetryPolicy, StepCall, Variables
from apps.engine.run.target import value_of

SECTION = "integration"
KIND = "connector"
LONGEST_PAUSE = 3600.0
ENDS = ("completed", "failed")
NOTHING = Block(())


@dataclass(frozen=True, slots=True)
class Heard:
    """Which lifecycle events of a step the document itself takes in; links are asked when it happens."""

    started: bool
    completed: bool
    failed: bool

    @classmethod
    def of(cls, step: str, is_heard: Callable[[str], bool]) -> "Heard":
        """Look the three topics up."""
        return cls(*(is_heard(f"{events.PREFIX}{SECTION}.step.{step}.{end}") for end in ("started", *ENDS)))


@dataclass(frozen=True, slots=True)
class IntegrationStep:
    """A node: its beginning told, the call, what success leads to; its failure told, and what that leads to.

    The results so far are the flowing data: the initial data with each step's result under its name. A failure is kept
    as `<step>_error` when the step says `onError`; otherwise it ends the run, with the results so far.
    """

    name: str
    connector: str
    action: str
    call: ConnectorCall
    payload: Payload  # a coroutine function when `needs_secrets`
    retry: RetryPolicy
    heard: Heard
    needs_secrets: bool = False
    told: Callable[[dict[str, Any]], Any] | None = None
    payload_roots: frozenset[str] = frozenset()
    success: Block = NOTHING
    failure: Block = NOTHING
    goes_on: bool = False
    path: str = ""
    module: str = ""
    notes: tuple[tuple[str, str], ...] = ()  # (end, what the log says at it): names that mean nothing

    @property
    def size(self) -> int:
        """Number of steps, what follows from it counted."""
        return 3 + self.success.size + self.failure.size

    @property
    def roots(self) -> frozenset[str]:
        """The names its expressions use."""
        return self.payload_roots | self.success.roots | self.failure.roots

    def emit(self, into: Assembler, scope: Scope, index: int, after: int) -> None:
        """Add the steps."""
        self._add_plain(into, scope, index, "begin", self._beginning(index + 1))
        index += 1
        full = into.unique(scope, index, self.name, KIND)
        behind = index + 1 + self.success.size
        following = index + 1 if self.success.size else after
        into.add(
            replace(scope, on_error=behind),
            index,
            self.name,
            KIND,
            self._calling(full, following),
            full=full,
            path=self.path,
            module=self.module,
            is_async=True,
            effect=self.call.effect,
            writes=True,
            retry=self.retry,
            given=None if self.told is None else self._given,
            given_roots=self.payload_roots,
            replay=self._store,
        )
        self.success.emit(into, scope, index + 1, after)
        onward = END if not self.goes_on else behind + 1 if self.failure.size else after
        self._add_plain(into, scope, behind, "failed", self._failing(onward))
        self.failure.emit(into, scope, behind + 1, after)

    def _add_plain(self, into: Assembler, scope: Scope, index: int, end: str, call: StepCall) -> None:
        more: dict[str, Any] = {"path": self.path, "module": self.module, "writes": True, "is_silent": True}
        into.add(scope, index, f"{self.name}.{end}", end, call, **more)

    def _given(self, variables: Variables) -> Any:
        return None if self.told is None else self.told(variables.names)

    def _store(self, variables: Variables, result: Any) -> None:
        variables.data = {**variables.data, self.name: result}
        variables.remember(self.name, result)

    def _beginning(self, following: int) -> StepCall:
        def begin(variables: Variables, context: Context) -> tuple[Any, int]:
            return {"told": True} if self._tell(context, "started") else None, following

        return begin

    def _calling(self, full: str, following: int) -> StepCall:
        async def call(variables: Variables, context: Context) -> tuple[Any, int]:
            if RECEIPT not in context.state:
                wait = self.call.gate(context)
                if wait:
                    raise Postponed(f"{self.connector} has been called often enough for now.", after=wait)
            began = context.unit.clock.now()
            given = await self._input(variables, context)
            if self.call.effect is Effect.PURE:
                result = await self._try(given, context)
            else:
                outcome = await with_ledger(
                    context,
                    step=full,
                    kind=f"connector:{self.connector}",
                    effect=self.call.effect,
                    call=lambda: self._try(given, context),
                )
                result = value_of(outcome)
            self._store(variables, result)
            taken = int((context.unit.clock.now() - began).total_seconds() * 1_000_000) * 1000
            self._tell(context, "completed", duration_ns=taken, results=result)
            self._note(context, "onSuccess")
            return result, following

        return call

    async def _input(self, variables: Variables, context: Context) -> dict[str, Any]:
        found = self.payload(variables, context)
        given: dict[str, Any] = (await found) if self.needs_secrets else found
        return given

    async def _try(self, given: dict[str, Any], context: Context) -> Any:
        """Do one try; the pause before the next is the step's own, or longer where the other side asks for it."""
        try:
            return await self.call.call(given, context)
        except TryAgain as pause:
            after = min(max(pause.after or 0.0, self.retry.first_pause_seconds), LONGEST_PAUSE)
            raise TryAgain(pause.message, after=after, code=pause.code) from pause

    def _failing(self, following: int) -> StepCall:
        def fail(variables: Variables, context: Context) -> tuple[Any, int]:
            unwind(variables)
            message = str((variables.error or {}).get("message", ""))
            is_told = self._tell(context, "failed", error=message)
            if self.goes_on:
                variables.data = {**variables.data, f"{self.name}_error": message}
                variables.error = None
                self._note(context, "onError")
            return {"error": message} if is_told or self.goes_on else None, following

        return cast(StepCall, fail)

    def _note(self, context: Context, end: str) -> None:
        for noted, text in self.notes:
            if noted == end:
                context.log(text, "warning")

    def _tell(self, context: Context, status: str, **more: Any) -> bool:
        """Publish a lifecycle event if anybody hears it, without its content when that is too large for a message."""
        broker = context.unit.broker
        topic = f"{events.PREFIX}{SECTION}.step.{self.name}.{status}"
        if broker.is_quiet or not (getattr(self.heard, status) or broker.is_linked(topic)):
            return False
        record = {"name": self.name, "connector": self.connector, "action": self.action, **more}
        event = events.step(SECTION, record, status, context.unit.clock.now())
        try:
            broker.publish(event["topic"], event["payload"], on_bus=True)
        except StepFailed:
            shorter = {key: said for key, said in event["payload"].items() if key != "results"}
            broker.publish(event["topic"], shorter, on_bus=True)
        return True
