"""A unit of work in plain memory, for testing one module type at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from apps.engine.local.cache import MemoryCache
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.ports import AlreadyExists, HttpReply, Instance, NewRun, Resource, TransitionRecord
from apps.engine.process_memory import ProcessMemory
from apps.engine.redis_address import RedisServer
from apps.engine.samples import Samples
from apps.engine.testing import FakeOpenReply, FakeWires
from apps.engine.token_buckets import TokenBuckets

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RUN_ID = UUID("018f0000-0000-7000-8000-000000000001")


class FakeClock:
    """Time that stands still until told, and chances given in advance."""

    def __init__(self) -> None:
        self.time = START
        self.chances: list[float] = []

    def now(self) -> datetime:
        return self.time

    def random(self) -> float:
        return self.chances.pop(0)

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class MemoryResources:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Resource] = {}

    async def create(self, resource: Resource) -> None:
        if (resource.kind, resource.key) in self.rows:
            raise AlreadyExists(resource.key)
        self.rows[resource.kind, resource.key] = resource

    async def get(self, kind: str, key: str, *, lock: bool = False) -> Resource | None:
        return self.rows.get((kind, key))

    async def save(self, resource: Resource) -> None:
        self.rows[resource.kind, resource.key] = resource

    async def delete(self, kind: str, key: str) -> bool:
        return self.rows.pop((kind, key), None) is not None

    async def page(
        self, kind: str, *, after: str | None = None, limit: int = 1000, states: Sequence[str] = ()
    ) -> list[Resource]:
        keys = [key for row_kind, key in self.rows if row_kind == kind]
        keys = keys[keys.index(after) + 1 :] if after in keys else keys
        found = [self.rows[kind, key] for key in keys]
        return [row for row in found if not states or row.state in states][:limit]


class MemoryInstances:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Instance] = {}
        self.records: list[TransitionRecord] = []

    async def get(self, machine: str, key: str, *, lock: bool = False) -> Instance | None:
        return self.rows.get((machine, key))

    async def several(self, machine: str, keys: Collection[str]) -> dict[str, Instance]:
        return {key: self.rows[machine, key] for key in keys if (machine, key) in self.rows}

    async def create(self, instance: Instance) -> None:
        if (instance.machine, instance.key) in self.rows:
            raise AlreadyExists(instance.key)
        self.rows[instance.machine, instance.key] = instance

    async def save(self, instance: Instance, record: TransitionRecord | None = None) -> None:
        self.rows[instance.machine, instance.key] = instance
        self.records += [record] if record else []


class MemoryBroker:
    is_quiet = False
    hops = 0

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, str | None]] = []

    def is_linked(self, topic: str) -> bool:
        return False

    def publish(
        self,
        topic: str,
        payload: Any,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        on_bus: bool = False,
    ) -> UUID:
        self.sent.append((topic, payload, key))
        return RUN_ID

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _, _ in self.sent]


class MemoryRuns:
    def __init__(self) -> None:
        self.started: list[NewRun] = []

    def start(self, run: NewRun) -> UUID:
        self.started.append(run)
        return RUN_ID


class MemorySecrets:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, name: str) -> str:
        if name not in self.values:
            raise StepFailed(f"The secret {name} is not set.", code="secret.missing")
        return self.values[name]


class ScriptedHttp:
    """Answers with the given replies (or raises the given errors) and remembers what was asked."""

    def __init__(self) -> None:
        self.replies: list[HttpReply | Exception] = []
        self.asked: list[dict[str, Any]] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
        **more: Any,
    ) -> HttpReply:
        asked = {"method": method, "url": url, "headers": headers or {}, "body": body, "timeout": timeout}
        self.asked.append(asked | more)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def open(self, method: str, url: str, **more: Any) -> FakeOpenReply:
        """Answer as `request` does, the body being one chunk."""
        return FakeOpenReply(await self.request(method, url, **more))


class RecordingDatabase:
    def __init__(self) -> None:
        self.opened: list[tuple[str, str, str]] = []
        self.statements: list[tuple[str, list[Any]]] = []
        self.failure: Exception | None = None

    def open(self, module: str, driver: str, dsn: str) -> "RecordingDatabase":
        self.opened.append((module, driver, dsn))
        return self

    async def query(self, sql: str, args: Sequence[Any] = ()) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        self.statements.append((sql, list(args)))
        return {"columns": ["n"], "rows": [[1]], "count": 1}

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> int:
        self.statements.append((sql, list(args)))
        return 1


@dataclass
class MemoryUnit:
    resources: MemoryResources = field(default_factory=MemoryResources)
    instances: MemoryInstances = field(default_factory=MemoryInstances)
    broker: MemoryBroker = field(default_factory=MemoryBroker)
    runs: MemoryRuns = field(default_factory=MemoryRuns)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    http: ScriptedHttp = field(default_factory=ScriptedHttp)
    wires: FakeWires = field(default_factory=FakeWires)
    databases: RecordingDatabase = field(default_factory=RecordingDatabase)
    clock: FakeClock = field(default_factory=FakeClock)
    metrics: Samples = field(default_factory=Samples)
    counters: Any = None
    memory: Any = None
    cache: Any = None
    effects: Any = None
    log_targets: Any = None

    def __post_init__(self) -> None:
        self.cache_servers: dict[RedisServer, MemoryCache] = {}
        self.cache = MemoryCache(self.clock, self._cache_at)
        buckets = TokenBuckets(lambda: self.clock.now().timestamp())
        self.counters = buckets.scoped("tenant/prod/shop")
        self.memory = ProcessMemory(lambda: self.clock.now().timestamp()).scoped("tenant/prod/shop")

    def _cache_at(self, server: RedisServer) -> MemoryCache:
        return self.cache_servers.setdefault(server, MemoryCache(self.clock, self._cache_at))

    def context(self, **more: Any) -> Context:
        return Context(self, run_id=RUN_ID, **more)  # type: ignore[arg-type]
