"""One unit of work over SQLite: reads see its own writes, everything is written when it commits, or nothing."""

from datetime import datetime
from typing import Protocol

from apps.engine.hops import BEGINNING, Way
from apps.engine.local.instances import LocalInstances
from apps.engine.local.joined import Joined
from apps.engine.local.locks import RowLocks
from apps.engine.local.message import Message
from apps.engine.local.outbox import LocalBroker, LocalEffects, LocalRuns
from apps.engine.local.queue import RunQueue
from apps.engine.local.resources import LocalResources
from apps.engine.local.store import Store
from apps.engine.log_targets import LogTargets
from apps.engine.ports import (
    Broker,
    Cache,
    Clock,
    Counters,
    Databases,
    Effects,
    Http,
    InstanceStore,
    Memory,
    Metrics,
    ResourceStore,
    Runs,
    Secrets,
)
from apps.engine.wires import Wires


class Services(Protocol):
    """What all units of one scope share."""

    store: Store
    locks: RowLocks
    queue: RunQueue
    joined: Joined
    clock: Clock
    http: Http
    wires: Wires
    secrets: Secrets

    def databases_of(self, scope: str) -> Databases:
        """Return the databases of a scope."""

    def counters_of(self, scope: str) -> Counters:
        """Return the rates of a scope."""

    def memory_of(self, scope: str) -> Memory:
        """Return the short-lived values of a scope."""

    def cache_of(self, scope: str) -> Cache:
        """Return the cached values of a scope."""

    def metrics_of(self, scope: str) -> Metrics:
        """Return the samples of a scope."""

    def log_targets_of(self, scope: str) -> LogTargets:
        """Return where the lines of a scope's event logs go."""


class LocalUnit:
    """The ports of one unit of work; made by `LocalHost.unit`.

    What a quiet one gives rise to has no lifecycle events; what it gives rise to has come the `way`.
    """

    def __init__(self, services: Services, scope: str, *, quiet: bool = False, way: Way = BEGINNING) -> None:
        self.services = services
        self.scope = scope
        self.quiet, self.way = quiet, way
        self.store = services.store
        self._held: list[tuple[str, ...]] = []
        self._begin([])
        self.effects: Effects = LocalEffects(self)
        self.clock: Clock = services.clock
        self.http: Http = services.http
        self.wires: Wires = services.wires
        self.secrets: Secrets = services.secrets
        self.databases: Databases = services.databases_of(scope)
        self.counters: Counters = services.counters_of(scope)
        self.memory: Memory = services.memory_of(scope)
        self.cache: Cache = services.cache_of(scope)
        self.metrics: Metrics = services.metrics_of(scope)
        self.log_targets: LogTargets = services.log_targets_of(scope)

    def _begin(self, messages: list[Message]) -> None:
        """Start with nothing written but `messages`."""
        self._resources = LocalResources(self)
        self._instances = LocalInstances(self)
        self._outbox = LocalBroker(messages, self.services.joined, self.scope, quiet=self.quiet, way=self.way)
        self._started = LocalRuns(self.services.queue, self.scope)
        self.resources: ResourceStore = self._resources
        self.instances: InstanceStore = self._instances
        self.broker: Broker = self._outbox
        self.runs: Runs = self._started

    def keep_only(self, topic_ending: str) -> None:
        """After a failure: drop what was written, except the messages that tell of failures."""
        self._begin([message for message in self._outbox.messages if message.topic.endswith(topic_ending)])

    def now(self) -> datetime:
        """Return the time."""
        return self.clock.now()

    async def hold(self, *key: str) -> None:
        """Lock a row until the unit ends."""
        whole = (self.scope, *key)
        if whole not in self._held:
            await self.services.locks.acquire(whole)
            self._held.append(whole)

    def tell(self, messages: list[Message]) -> None:
        """Add the host's own messages to what the unit publishes."""
        self._outbox.messages += messages

    @property
    def has_work(self) -> bool:
        """Whether a commit would give workers something to do."""
        return bool(self._outbox.messages or self._started.started)

    def flush(self) -> None:
        """Write everything; inside the commit's transaction."""
        self._resources.flush()
        self._instances.flush()
        for message in self._outbox.messages:
            self.services.queue.deliver(self.scope, message)
        for run_id, run in self._started.started:
            self.services.queue.accept(self.scope, run_id, run, quiet=self.quiet, way=self.way.on())

    def release(self) -> None:
        """Give the rows back."""
        while self._held:
            self.services.locks.release(self._held.pop())
