"""A whole product in one process: SQLite for the rows, one event loop for the runs, for `wfctl run` and tests."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import UUID

from apps.engine.application import Application
from apps.engine.asgi import EngineAsgi, Kept, RequestRecord
from apps.engine.hops import BEGINNING, Way
from apps.engine.local.cache import MemoryCache
from apps.engine.local.databases import LocalDatabases
from apps.engine.local.feeds import LocalFeeds
from apps.engine.local.joined import Joined
from apps.engine.local.lifecycle import of_request
from apps.engine.local.locks import RowLocks
from apps.engine.local.log_files import LogFiles
from apps.engine.local.log_targets import LocalLogTargets
from apps.engine.local.metrics import LocalMetrics
from apps.engine.local.outside import EnvironmentSecrets, NotedSecrets, OutboundHttp, SystemClock
from apps.engine.local.queue import RunQueue
from apps.engine.local.redis_servers import RedisServers
from apps.engine.local.store import Store
from apps.engine.local.timer import LocalTimer
from apps.engine.local.unit import LocalUnit
from apps.engine.local.wiring import LiveWires
from apps.engine.local.worker import LocalWorker
from apps.engine.log_targets import LogTargets
from apps.engine.ports import Cache, Clock, Counters, Databases, Http, Memory, Metrics, NewRun, Secrets
from apps.engine.process_memory import ProcessMemory
from apps.engine.redaction import KnownSecrets
from apps.engine.run.decide import decide
from apps.engine.run.state import Event, Queue
from apps.engine.sections.producers import ERRORS
from apps.engine.token_buckets import TokenBuckets
from apps.engine.wires import Wires

LOCAL = "local"
MOST_STEPS = 100_000
log = logging.getLogger(__name__)


class LocalHost:
    """Applications by scope, and everything they need. A scope sees nothing of another, unless they are joined."""

    def __init__(
        self,
        path: str = ":memory:",
        *,
        clock: Clock | None = None,
        http: Http | None = None,
        wires: Wires | None = None,
        secrets: Secrets | None = None,
        folder: Path | None = None,
        lock_seconds: float = 5.0,
    ) -> None:
        system = SystemClock()
        self.store = Store(path)
        self.clock: Clock = clock or system
        self.outbound = OutboundHttp()
        self.http: Http = http or self.outbound
        self.brokers = LiveWires(lambda host, port, address: True)
        self.wires: Wires = wires or self.brokers
        self._cache_servers = RedisServers(lambda host, port, address: True)
        self.known = KnownSecrets()
        self.secrets: Secrets = NotedSecrets(secrets or EnvironmentSecrets(), self.known)
        self.locks = RowLocks(lock_seconds)
        self.joined = Joined()
        self.queue = RunQueue(self.store, self.clock.now, self.joined)
        self.timer = LocalTimer(self.store, self.queue, self.clock.now, self.report_bug)
        self.worker = LocalWorker(self)
        self.feeds = LocalFeeds(self)
        self.bugs: list[tuple[UUID, str]] = []  # faults of the engine itself, for whoever operates it
        self._folder = folder
        self._folders: dict[str, Path] = {}
        self._databases: dict[str, LocalDatabases] = {}
        self._metrics: dict[str, LocalMetrics] = {}
        self._log_files = LogFiles()
        monotonic = getattr(self.clock, "monotonic", system.monotonic)
        self._buckets = TokenBuckets(monotonic)
        self._memory = ProcessMemory(monotonic)
        self._caches: dict[str, MemoryCache] = {}
        self._task: asyncio.Task[None] | None = None

    # --- documents ------------------------------------------------------------------------------------------------

    def deploy(self, application: Application, scope: str = LOCAL, *, folder: Path | None = None) -> None:
        """Serve `application` from now on; runs already accepted go on with it, and so do schedules that it keeps.

        `folder` is where the scope's own files are, if not where the host's are.
        """
        self.joined.deploy(scope, application)
        if folder is not None:
            self._folders[scope] = folder
        self.timer.follow(scope, application)
        self.feeds.follow(scope, application)
        self.ring()

    def application(self, scope: str = LOCAL) -> Application | None:
        """Return what a scope serves."""
        return self.joined.application(scope)

    # --- units of work --------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def unit(self, scope: str = LOCAL) -> AsyncIterator[LocalUnit]:
        """Open a unit: committed when the block ends, dropped when it raises."""
        unit = self.new_unit(scope)
        try:
            yield unit
            self.commit(unit)
        finally:
            unit.release()

    def new_unit(self, scope: str, *, quiet: bool = False, way: Way = BEGINNING) -> LocalUnit:
        """Return a unit that its owner commits and releases."""
        return LocalUnit(self, scope, quiet=quiet, way=way)

    def commit(self, unit: LocalUnit, also: Callable[[], None] | None = None) -> None:
        """Write a unit, and `also` in the same transaction, then ring for the workers."""
        with self.store.transaction():
            unit.flush()
            if also is not None:
                also()
        if unit.has_work:
            self.ring()

    def databases_of(self, scope: str) -> Databases:
        """Return the databases of a scope."""
        return self._databases.setdefault(scope, LocalDatabases(self._folders.get(scope, self._folder), scope))

    def counters_of(self, scope: str) -> Counters:
        """Return the rates of a scope."""
        return self._buckets.scoped(scope)

    def memory_of(self, scope: str) -> Memory:
        """Return the short-lived values of a scope."""
        return self._memory.scoped(scope)

    def cache_of(self, scope: str) -> Cache:
        """Return the cached values of a scope."""
        found = self._caches.get(scope)
        if found is None:
            folder = self._folders.get(scope, self._folder)
            place = "" if folder is None else str(folder.resolve())  # another folder's documents are others
            at = partial(self._cache_servers.cache, tag=scope, where=place, clock=self.clock)
            found = self._caches[scope] = MemoryCache(self.clock, at)
        return found

    def metrics_of(self, scope: str) -> Metrics:
        """Return the samples of a scope."""
        found = self._metrics.get(scope)
        if found is None:
            found = self._metrics[scope] = LocalMetrics(partial(self.queue.unfinished, scope))
        return found

    def log_targets_of(self, scope: str) -> LogTargets:
        """Return where the lines of a scope's event logs go."""
        return LocalLogTargets(self._folders.get(scope, self._folder), self._log_files, self.known)

    # --- requests -------------------------------------------------------------------------------------------------

    def asgi(self, scope: str = LOCAL) -> EngineAsgi:
        """Return the ASGI application that serves a scope."""
        return EngineAsgi(
            lambda: self.application(scope), lambda: self.new_unit(scope), self.finish_request, self.known
        )

    def finish_request(self, unit: LocalUnit, record: RequestRecord | None, kept: Kept) -> None:
        """Write what is kept of what a request did, and its row unless there is none to keep."""
        try:
            if kept is Kept.NOTHING:
                return
            if kept is Kept.ERRORS:
                unit.keep_only(ERRORS)
            if record is not None:
                unit.tell(of_request(partial(self.joined.is_heard, unit.scope), record, self.clock.now()))
            row = None if record is None else lambda: self.queue.record_request(unit.scope, record)
            self.commit(unit, row)
        finally:
            unit.release()

    # --- runs -----------------------------------------------------------------------------------------------------

    async def start_run(self, run: NewRun, scope: str = LOCAL) -> UUID:
        """Accept one run."""
        async with self.unit(scope) as unit:
            return unit.runs.start(run)

    def tell(self, run_id: UUID, event: Event, scope: str = LOCAL) -> bool:
        """Let an event from outside happen to a run (cancelled, settled, send again); False when it came too late."""
        queued = self.queue.load(run_id)
        application = self.application(scope)
        program = None if queued is None or application is None else application.program(queued.state.entry)
        if queued is None or program is None or queued.scope != scope:
            return False
        state, commands = decide(program, queued.state, event, self.clock.now())
        if state is queued.state:
            return False
        ready_at = next((command.ready_at for command in commands if isinstance(command, Queue)), None)
        with self.store.transaction():
            self.queue.save(state, queued.steps, ready_at)
        self.ring()
        return True

    def ring(self) -> None:
        """Wake the worker."""
        self.worker.ring()

    async def drain(self) -> int:
        """Drive everything that is due now; return how many times a run was driven."""
        count = 0
        while await self.worker.step():
            count += 1
            if count > MOST_STEPS:
                raise RuntimeError("the runs do not come to an end")
        return count

    def report_bug(self, run_id: UUID, trace: str) -> None:
        """Keep the trace of a fault of the engine, away from the document's owner."""
        self.bugs.append((run_id, trace))
        log.error("run %s failed by a fault of the engine\n%s", run_id, trace)

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin working runs off, and listening to brokers, in the background."""
        if self._task is None:
            self.feeds.start()
            self._task = asyncio.get_running_loop().create_task(self.worker.forever())

    async def close(self) -> None:
        """Stop working and close everything; unfinished runs stay in the file."""
        await self.feeds.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.outbound.close()
        await self.brokers.close()
        await self._cache_servers.close()
        for databases in self._databases.values():
            databases.close()
        self.store.close()
