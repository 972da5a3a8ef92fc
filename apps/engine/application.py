"""A compiled document: what answers requests, takes in messages and runs steps. It holds no data of a tenant."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.engine.document import Document
from apps.engine.feeds import Feed
from apps.engine.findings import Finding
from apps.engine.http import Request, Response
from apps.engine.module import Context, Module
from apps.engine.ports import NewRun
from apps.engine.private_topics import sent_to
from apps.engine.routes import Match, RouteTable
from apps.engine.run.program import Program, Trace
from apps.engine.schedules import Schedule
from apps.engine.secret_values import SecretValues
from apps.engine.sections.statemachine import Machine
from apps.engine.subscription import Subscription
from apps.engine.topics import PRIVATE, TopicTable
from apps.engine.trigger import Resolver

MAX_BODY = 1_048_576
RECORDS = ("end", "step", "async", "none")

RouteCall = Callable[[Request, Context, Trace], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and pattern with everything it runs, resolved.

    `call(request, context, trace)` runs middlewares and handler and maps refusals to answers; it returns a Response,
    or an awaitable of one when `is_async`. It raises only for faults of the engine itself. For a HEAD request the
    server hands in `GET` and drops the body.
    """

    method: str
    pattern: str
    source: str  # section, trigger, module, automatic
    call: RouteCall
    is_async: bool
    is_pure: bool  # no middleware, handler or step leaves anything behind
    record: str = "end"
    max_body: int = MAX_BODY
    program: Program | None = None
    handler: str = ""
    path: str = ""  # place in the document

    @property
    def name(self) -> str:
        """Stable name, such as `POST /api/orders`."""
        return f"{self.method} {self.pattern}"


@dataclass(slots=True)
class Application:
    """The compiled form of one document."""

    document: Document  # as it is written
    settled: Document  # with the values of secrets in settled texts: not to be shown
    values: SecretValues  # those values
    modules: Mapping[str, Module[Any]]
    order: tuple[str, ...]  # dependencies first
    programs: Mapping[str, Program]
    machines: Mapping[str, Machine]
    subscriptions: tuple[Subscription, ...]
    routes: RouteTable[Route]
    resolver: Resolver
    schedules: tuple[Schedule, ...] = ()
    feeds: tuple[Feed, ...] = ()
    broker: str = ""  # the one outside that what is published goes to; empty for the bus
    findings: tuple[Finding, ...] = ()  # warnings only
    topics: TopicTable[Subscription] = field(init=False)
    _subscriptions: dict[tuple[str, str], Subscription] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._subscriptions = {(each.name, each.topic): each for each in self.subscriptions}
        self.topics = TopicTable((subscription.topic, subscription) for subscription in self.subscriptions)
        for machine in self.machines.values():
            machine.is_heard = self.is_heard

    @property
    def sha256(self) -> str:
        """Digest of the document's text."""
        return self.document.sha256

    def addressed(self, topic: str) -> str:
        """Return the topic of the bus under which a message of the document is published."""
        return sent_to(self.broker, topic) if self.broker and not topic.startswith(PRIVATE) else topic

    def is_heard(self, topic: str) -> bool:
        """Whether any subscription takes in `topic`."""
        return bool(self.topics.find(topic))

    def subscriptions_for(self, topic: str) -> tuple[Subscription, ...]:
        """Return the subscriptions that take in `topic`, in file order."""
        return self.topics.find(topic)

    def subscription(self, name: str, topic: str) -> Subscription | None:
        """Return the subscription of a name and a topic as written."""
        return self._subscriptions.get((name, topic))

    def match(self, method: str, path: str) -> Match[Route]:
        """Find the route of a request; see `Match`."""
        return self.routes.match(method, path)

    def resolve(self, workflow: str, action: str, data: Any) -> NewRun:
        """Say what a trigger, the API or a button starts; raise `UnknownWorkflow` (spec/modules.md 6 [T])."""
        return self.resolver.resolve(workflow, action, data)

    def program(self, entry: str) -> Program | None:
        """Return the program of an entry; None when this version has none of that name any more."""
        return self.programs.get(entry)

    def orphans(self, states: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return those (machine, state) pairs of live instances that this document does not have."""
        return [
            (machine, state)
            for machine, state in states
            if machine not in self.machines or state not in self.machines[machine].states
        ]
