"""In-process caches that are told of changes by the database (LISTEN/NOTIFY).

The listener listens first and lets values be kept afterwards. A loaded value is kept only if no notice of its kind came
while it was being loaded. The listener asks `select 1` every second; once it has had no answer for three seconds, every
cached answer is looked up again, and on reconnecting all of them are dropped. No entry lives longer than thirty
seconds. A cache without a running listener keeps nothing.
"""

import asyncio
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
import psycopg
import structlog
from django.conf import settings

from apps.core.events import CHANNEL

Value = TypeVar("Value")
TRUST_SECONDS = 3.0
ASK_SECONDS = 1.0
LIFE_SECONDS = 30.0
RECONNECT_SECONDS = 0.5
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """A row changed: `kind` as `events.KINDS`, the tenant, and the row's id."""

    kind: str
    tenant_id: UUID
    id: UUID


Subscriber = Callable[[Notice | None], None]


class ChangeListener:
    """One thread with one direct connection; hands notices to subscribers, and None when anything may have changed."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._subscribers: dict[str, list[Subscriber]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._answered_at = float("-inf")
        self.backend_pid: int | None = None

    def start(self) -> None:
        """Begin to listen; does nothing when it already does."""
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="weft-changes", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection; everything cached is looked up again from now on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * ASK_SECONDS + TRUST_SECONDS)
        self._forget()

    def is_alive(self, now: float | None = None) -> bool:
        """Say whether a cached value may be believed; `now` is `time.monotonic()` where that is known."""
        return (time.monotonic() if now is None else now) - self._answered_at < TRUST_SECONDS

    def subscribe(self, kind: str, subscriber: Subscriber) -> None:
        """Call `subscriber(notice)` for each notice of `kind`, from the listener's thread."""
        self._subscribers[kind].append(subscriber)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except psycopg.Error as problem:
                log.warning("changes.listener_lost", problem=type(problem).__name__)
            self._forget()
            self._stop.wait(RECONNECT_SECONDS)

    def _listen(self) -> None:
        options: dict[str, Any] = {"connect_timeout": 3, "tcp_user_timeout": 3000, "application_name": "weft-changes"}
        with psycopg.connect(self._url or settings.DATABASE_DIRECT_URL, autocommit=True, **options) as connection:
            connection.execute(f"listen {CHANNEL}")
            self._tell_all(None)
            self.backend_pid = connection.info.backend_pid
            self._answered_at = time.monotonic()
            while not self._stop.is_set():
                for notify in connection.notifies(timeout=ASK_SECONDS):
                    self._tell(_notice(notify.payload))
                connection.execute("select 1")
                self._answered_at = time.monotonic()

    def _forget(self) -> None:
        self._answered_at = float("-inf")
        self.backend_pid = None
        self._tell_all(None)

    def _tell(self, notice: Notice | None) -> None:
        if notice is None:
            self._tell_all(None)
            return
        for subscriber in self._subscribers[notice.kind]:
            subscriber(notice)

    def _tell_all(self, notice: Notice | None) -> None:
        for subscribers in list(self._subscribers.values()):
            for subscriber in subscribers:
                subscriber(notice)


def _notice(payload: str) -> Notice | None:
    """Return the notice, or None (anything may have changed) for a payload of another release."""
    try:
        data = orjson.loads(payload)
        return Notice(str(data["kind"]), UUID(data["tenant"]), UUID(data["id"]))
    except (ValueError, KeyError, TypeError):
        return None


listener = ChangeListener()


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    loaded_at: float
    tag: UUID


class Cache(Generic[Value]):
    """Values of one kind of row, bounded, least recently used first to go; safe from threads and from asyncio.

    `tag` says which id in a notice drops the value. Absent values (None) are never kept.
    """

    def __init__(
        self, kind: str, *, tag: Callable[[Value], UUID], size: int = 10_000, source: ChangeListener | None = None
    ) -> None:
        self._tag = tag
        self._size = size
        self._source = source or listener
        self._entries: OrderedDict[Hashable, _Entry[Value]] = OrderedDict()
        self._keys: dict[UUID, set[Hashable]] = defaultdict(set)
        self._loads: dict[Hashable, tuple[int, asyncio.Future[Value | None]]] = {}
        self.generation = 0
        self._lock = threading.Lock()
        self._source.subscribe(kind, self._changed)

    def get(self, key: Hashable) -> Value | None:
        """Return the cached value if it may be believed now, else None."""
        now = time.monotonic()
        if not self._source.is_alive(now):
            return None
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or now - entry.loaded_at > LIFE_SECONDS:
                return None
            self._entries.move_to_end(key)
            return entry.value

    def get_or_load(self, key: Hashable, load: Callable[[], Value | None]) -> Value | None:
        """Return the cached value, or what `load` returns."""
        value = self.get(key)
        if value is None:
            generation = self.generation
            value = load()
            self._keep(key, value, generation)
        return value

    async def get_or_load_async(self, key: Hashable, load: Callable[[], Awaitable[Value | None]]) -> Value | None:
        """Return the cached value, or what awaiting `load()` returns; always from the same event loop.

        Those who miss the same key together share one load, unless a notice has come since it began.
        """
        value = self.get(key)
        if value is None:
            generation = self.generation
            value = await self._load_once(key, load, generation)
            self._keep(key, value, generation)
        return value

    async def _load_once(
        self, key: Hashable, load: Callable[[], Awaitable[Value | None]], generation: int
    ) -> Value | None:
        if not self._source.is_alive():
            return await load()
        began, task = self._loads.get(key, (generation, None))
        if task is None or began != generation:
            task = asyncio.ensure_future(load())
            self._loads[key] = (generation, task)
            task.add_done_callback(lambda done: self._loaded(key, done))
        return await asyncio.shield(task)

    def _loaded(self, key: Hashable, done: "asyncio.Future[Value | None]") -> None:
        if key in self._loads and self._loads[key][1] is done:
            del self._loads[key]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.generation += 1
            self._entries.clear()
            self._keys.clear()

    def _keep(self, key: Hashable, value: Value | None, generation: int) -> None:
        if value is None or not self._source.is_alive():
            return
        with self._lock:
            if generation != self.generation:
                return
            self._remove(key)
            tag = self._tag(value)
            self._entries[key] = _Entry(value, time.monotonic(), tag)
            self._keys[tag].add(key)
            while len(self._entries) > self._size:
                self._remove(next(iter(self._entries)))

    def _changed(self, notice: Notice | None) -> None:
        if notice is None:
            self.clear()
            return
        with self._lock:
            self.generation += 1
            for key in list(self._keys.get(notice.id, ())):
                self._remove(key)

    def _remove(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            keys = self._keys[entry.tag]
            keys.discard(key)
            if not keys:
                del self._keys[entry.tag]
