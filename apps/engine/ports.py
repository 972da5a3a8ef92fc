"""Everything outside the engine, as the engine sees it.

Two sets of adapters fill these in and pass one suite (`tests/support/port_suite.py`): `engine/local` over SQLite for
`wfctl run`, tests and the simulator, and `runs/adapters` over Postgres for the hosted product. A `Unit` is one unit of
work: everything written through it becomes visible together when its host commits, together with the run's row.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from apps.engine.outcome import Postponed
from apps.engine.redis_address import RedisServer
from apps.engine.wires import Wires

if TYPE_CHECKING:
    from apps.engine.log_targets import LogTargets


class AlreadyExists(Exception):
    """The key is taken."""


class LostRace(Exception):
    """Somebody else changed the row first; the caller may look again (HTTP 409)."""


class StoreBusy(Postponed):
    """The house's own store could not take part in this try."""


class PrivateKind(str):
    """A kind of stored objects whose keys identify people: an email, a telephone number.

    A host that others administer keeps such a key so that it can be compared but not read (spec/modules.md 10.2, blind
    index). Objects of the kind come back with the key as it was given.
    """

    __slots__ = ()


@dataclass(slots=True)
class Resource:
    """One stored object of a collection (`api.handler`, `persistence.store`, users of `auth.jwt`).

    After `expires_at` it is gone, as if it had been deleted.
    """

    kind: str
    key: str
    data: dict[str, Any]
    state: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    expires_at: datetime | None = None


class ResourceStore(Protocol):
    """Collections of JSON objects, scoped to tenant, environment and workflow by the adapter."""

    async def create(self, resource: Resource) -> None:
        """Store a new object; raise `AlreadyExists`."""

    async def get(self, kind: str, key: str, *, lock: bool = False) -> Resource | None:
        """Return the object; `lock` keeps others from changing it until this unit ends."""

    async def save(self, resource: Resource) -> None:
        """Insert or replace."""

    async def delete(self, kind: str, key: str) -> bool:
        """Remove; say whether it was there."""

    async def page(
        self, kind: str, *, after: str | None = None, limit: int = 1000, states: Sequence[str] = ()
    ) -> list[Resource]:
        """Return objects in creation order, resuming behind key `after`."""


@dataclass(slots=True)
class Instance:
    """One state-machine instance; `machine` is the definition's name, `key` the caller's instance id."""

    machine: str
    key: str
    state: str
    previous_state: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    completed: bool = False
    error: str | None = None
    sequence: int = 0
    started_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(slots=True)
class TransitionRecord:
    """One line of an instance's history."""

    transition: str
    from_state: str
    to_state: str
    data: dict[str, Any]


class InstanceStore(Protocol):
    """State-machine instances and their histories."""

    async def get(self, machine: str, key: str, *, lock: bool = False) -> Instance | None:
        """Return the instance; with `lock` the row is held until the unit ends."""

    async def several(self, machine: str, keys: Collection[str]) -> dict[str, Instance]:
        """Return those of the named instances that there are, by key."""

    async def create(self, instance: Instance) -> None:
        """Store a new instance; raise `AlreadyExists`."""

    async def save(self, instance: Instance, record: TransitionRecord | None = None) -> None:
        """Write the (locked) instance; `record` is appended to its history under the next sequence number."""

    async def page(
        self,
        machine: str | None = None,
        *,
        state: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Instance]:
        """Return instances by key, resuming behind `after`."""

    async def history(self, machine: str, key: str) -> list[dict[str, Any]]:
        """Return `{sequence, transition, from, to, data, at}` in order."""


class Broker(Protocol):
    """Publish within the unit: delivered after commit, at least once, in order per lane."""

    @property
    def is_quiet(self) -> bool:
        """Whether this unit's work follows from a lifecycle event, so that it tells none of itself."""

    @property
    def hops(self) -> int:
        """How many links between workflows and brokers outside led to this unit's work."""

    def is_linked(self, topic: str) -> bool:
        """Whether a link to another workflow takes a topic in, so that it is worth publishing."""

    def publish(
        self,
        topic: str,
        payload: Any,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        on_bus: bool = False,
    ) -> UUID:
        """Buffer a message; it leaves when the unit commits and not otherwise.

        It goes to the broker of the document's messages, `on_bus` to the tenant's own bus whatever that broker is.
        Raises `StepFailed` when a host does not take in that much.
        """


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to accept: `entry` names a program of the application (`engine/run/program.py`)."""

    entry: str
    data: Any
    section: str
    action: str = ""
    workflow: str = ""  # the definition the caller named, for display
    source: str = "internal"  # http, api, manual, message, hook, auto, ...
    correlation: str | None = None  # instance key or message id, shown and searchable
    parent: UUID | None = None
    idempotency_key: str | None = None
    delay_seconds: float = 0.0


class Runs(Protocol):
    """Start durable runs within the unit."""

    def start(self, run: NewRun) -> UUID:
        """Buffer a run; its row and first ready step are written when the unit commits."""


class Secrets(Protocol):
    """Look secrets up at the last moment."""

    async def get(self, name: str) -> str:
        """Return the value of `NAME` or `NAME#version`; raise `StepFailed` code `secret.missing`."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer from outside; `body` is capped by the adapter and as it was sent, encoded or not."""

    status: int
    headers: Mapping[str, str]  # names in lower case; of a repeated one the last
    body: bytes
    lines: tuple[tuple[str, str], ...] = ()  # the headers in order, repeated ones too


class OpenReply(Protocol):
    """An answer from outside whose body is still to come; who has it either reads it to its end or closes it.

    `headers` and `lines` as in `HttpReply`. One that is dropped without either is closed by itself.
    """

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The headers in order, repeated ones too."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Give the body as it comes, once; raise `TryAgain` `http.broken_off` when it ends before its end."""

    async def whole(self) -> HttpReply:
        """Read the body within what is left of the time of `open`; raises what `request` does."""

    async def close(self) -> None:
        """Give the connection up; more than once does no harm."""


class Http(Protocol):
    """The one way out: guarded against private targets in the hosted product."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
        redirects: bool = True,
        public_only: bool = False,
        host: str = "",
    ) -> HttpReply:
        """Do one exchange, `timeout` seconds in all; raise `TryAgain` (`http.unreachable`) or `StepFailed`
        (`http.forbidden_target`, `http.bad_url`, `http.reply_too_large`, `http.too_many_redirects`).

        `redirects` says whether they are followed; `public_only` refuses private targets even where the host lets
        them be reached; `host` is what the other side is told it is called, when not what the URL says.
        """

    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
        host: str = "",
    ) -> OpenReply:
        """Begin one exchange and return when the answer's headers are there, `timeout` seconds at most.

        Redirects are not followed. Raises what `request` does.
        """


class Database(Protocol):
    """One tenant database (`database.workflow`), never a connection of the product.

    Placeholders are `$1`, `$2`, ... in every dialect; the adapter rewrites them for its driver.
    """

    async def query(self, sql: str, args: Sequence[Any] = ()) -> dict[str, Any]:
        """Return `{columns, rows, count}`."""

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Return the number of rows changed."""


class Databases(Protocol):
    """Open databases by module."""

    def open(self, module: str, driver: str, dsn: str) -> Database:
        """Return the database of the named module."""


class Memory(Protocol):
    """Short-lived values of one application in one environment, kept in the process: soft, forgotten at restart.

    Each process has its own (`engine/process_memory.py`). Values are replaced, never changed in place.
    """

    def get(self, key: str) -> Any:
        """Return the value; None when there is none, or no more."""

    def put(self, key: str, value: Any, *, seconds: float, size: int = 0) -> None:
        """Keep a value for so long at most; `size` is about how many bytes it holds."""


class Clock(Protocol):
    """Time and chance from outside, so that tests decide both."""

    def now(self) -> datetime:
        """Return the time, aware, UTC."""

    def random(self) -> float:
        """Return a number in [0, 1)."""


class Effects(Protocol):
    """The effect ledger: an intent before the call, a receipt after it (engine.md law 5)."""

    async def intend(self, step_id: UUID, attempt: int, *, kind: str, effect: str, key: str) -> None:
        """Commit the intent now, before anything leaves."""

    async def receipt(self, step_id: UUID, attempt: int, data: Any) -> None:
        """Record what came back; accepted whatever the state of the run. Raises `StepFailed` when it is too large."""


class Counters(Protocol):
    """Rates of one application in one environment, kept in the process: soft limits, forgotten at restart.

    The host gives every unit a view of its own scope (`engine/token_buckets.py`), so two tenants never share a key.
    """

    def take(self, key: str, *, per_minute: float, burst: int) -> float:
        """Take one token; return 0.0 when there was one, else the seconds until there is."""


class Cache(Protocol):
    """JSON values by key for a while, scoped to tenant, environment and workflow by the adapter (`cache_limits`).

    It is no part of the unit's transaction: what is kept stays kept when the unit is dropped, and may be forgotten at
    any time. An adapter that cannot reach its store finds nothing and keeps nothing.
    """

    def at(self, server: RedisServer) -> "Cache":
        """Return the same cache on a Redis server of the document's own, guarded like `Http`.

        Its methods raise `StepFailed` besides: `cache.forbidden_target`, or `cache.refused` with the server's words.
        """

    async def get(self, module: str, keys: Sequence[str]) -> dict[str, Any]:
        """Return the values that are there, by key."""

    async def set(self, module: str, values: Mapping[str, Any], *, ttl: float, most: int) -> None:
        """Keep values for `ttl` seconds; beyond `most` of this module those that end first are forgotten.

        Raises `StepFailed` `cache.too_large` for a value beyond the limit.
        """

    async def delete(self, module: str, keys: Sequence[str]) -> int:
        """Forget values; return how many were there; raise `TryAgain` when the store cannot be asked."""

    async def flush(self, module: str) -> None:
        """Forget everything of a module; raise `TryAgain` when the store cannot be asked."""


class Metrics(Protocol):
    """Samples of one application in one environment, of all processes that serve it or drive its runs.

    Hosts and drivers feed it (`engine/sampling.py`, the six families of `SAMPLE_FAMILIES`); `metrics.collector` shows
    it.
    """

    def count(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        """Add to a counter."""

    def observe(self, name: str, labels: Mapping[str, str], seconds: float) -> None:
        """Add one duration to a histogram."""

    async def page(self, prefix: str = "") -> str:
        """Return all samples in the Prometheus text format, every name behind `prefix`."""


class Unit(Protocol):
    """One unit of work with its ports."""

    resources: ResourceStore
    instances: InstanceStore
    broker: Broker
    runs: Runs
    secrets: Secrets
    http: Http
    wires: Wires
    databases: Databases
    clock: Clock
    effects: Effects
    counters: Counters
    memory: Memory
    metrics: Metrics
    cache: Cache
    log_targets: "LogTargets"
