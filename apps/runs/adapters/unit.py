"""The hosted unit of work (`engine.ports.Unit`).

It opens its one transaction when stored objects or instances are first touched. Messages and runs are buffered and
written at the commit, together with the row or the journal entry of the run that did it all. A unit that wrote nothing
leaves its row to the group writer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.engine.application import Application
from apps.engine.hops import BEGINNING, Way
from apps.engine.log_targets import NoLogTargets
from apps.engine.ports import Resource
from apps.runs.adapters import journal
from apps.runs.adapters.broker import BufferedBroker, Listening, Topics
from apps.runs.adapters.cache import RedisCache
from apps.runs.adapters.databases import TenantDatabases
from apps.runs.adapters.effects import Ledger
from apps.runs.adapters.instances import PostgresInstances
from apps.runs.adapters.journal import Change
from apps.runs.adapters.metrics import HostedMetrics
from apps.runs.adapters.old_texts import OldTexts
from apps.runs.adapters.place import Place
from apps.runs.adapters.resources import DeferringResources, PostgresResources
from apps.runs.adapters.rows import NewRunRow
from apps.runs.adapters.secrets import PlaceSecrets
from apps.runs.adapters.services import Services
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.starts import BufferedRuns
from apps.runs.adapters.telling import of_row, tell

SQL = Statements("unit")
WRITER_SQL = Statements("writer")


@dataclass(slots=True)
class Committed:
    """What a commit left behind for others."""

    sequence: int | None = None  # the run's latest number, when a journal change was part of it
    is_refused: bool = False  # the claim was gone: nothing of the unit was kept
    has_work: bool = False  # somebody should ring the bell


class Port:
    """An attribute that is made when it is first asked for, and is plain from then on.

    A `__getattr__` instead would make every other attribute of the unit several times as dear.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, unit: Any, owner: type) -> Any:
        value = self._make(unit)
        setattr(unit, self._name, value)
        return value


class HostedUnit:
    """One unit; its ports are made when first used, because most requests need few of them."""

    def __init__(
        self,
        services: Services,
        place: Place,
        run_id: UUID,
        request_id: str = "",
        *,
        quiet: bool = False,
        way: Way = BEGINNING,
    ) -> None:
        self._services = services
        self._run_id = run_id
        self._session: Session | None = None
        self._broker: BufferedBroker | None = None
        self._runs: BufferedRuns | None = None
        self._deferring: DeferringResources | None = None
        self.defers = False  # whether its first create may wait for others to share a commit with
        self._quiet = quiet  # what it gives rise to has no lifecycle events
        self._way = way  # what led to it
        self.place = place
        self.request_id = request_id
        self.clock = services.clock  # the database's

    @property
    def session(self) -> Session:
        """The unit's one transaction."""
        if self._session is None:
            self._session = Session(self._services.pools, self.place.tenant_id)
        return self._session

    @property
    def broker(self) -> BufferedBroker:
        """What the unit publishes."""
        if self._broker is None:
            self._broker = BufferedBroker(
                self.session,
                self.place.scope,
                self._run_id,
                self.request_id,
                self.listener,
                topics=Topics(self.place.application.addressed, self.place.is_linked),
                quiet=self._quiet,
                way=self._way,
            )
        return self._broker

    @property
    def runs(self) -> BufferedRuns:
        """What the unit starts."""
        if self._runs is None:
            self._runs = BufferedRuns(self.place, self._run_id, self.request_id, quiet=self._quiet, way=self._way)
        return self._runs

    @property
    def http(self) -> Any:
        """The guarded way out."""
        return self._services.http

    @property
    def wires(self) -> Any:
        """The guarded way to brokers outside."""
        return self._services.wires

    @property
    def has_written(self) -> bool:
        """Whether something of this unit has to be committed."""
        return (
            (self._session is not None and self._session.has_written)
            or (self._broker is not None and bool(self._broker.published))
            or (self._runs is not None and bool(self._runs.started))
            or (self._deferring is not None and self._deferring.deferred is not None)
        )

    @property
    def is_untouched(self) -> bool:
        """Whether nothing that could be written or read was asked for."""
        return self._session is None and self._broker is None and self._runs is None

    @property
    def only_create(self) -> Resource | None:
        """The stored object to create when that is all there is to commit."""
        if self._deferring is None or (self._session is not None and self._session.is_open):
            return None
        if (self._broker is not None and self._broker.published) or (self._runs is not None and self._runs.started):
            return None
        return self._deferring.deferred

    async def commit(self, *, row: NewRunRow | None = None, change: Change | None = None) -> Committed:
        """Write what is buffered, then the run's row or journal entry, and make all of it visible together."""
        try:
            result = Committed()
            await self._settle()
            if row is not None and (events := of_row(row, self.place.hearing(row.origin.section), self.place.known)):
                tell(self.broker, events)
            await self._flush(result)
            if row is not None:
                await self._insert([row], result)
            if change is not None and not await self._journal(change, result):
                await self.rollback()
                return Committed(is_refused=True)
            await self.session.commit()
        except BaseException:
            await self.rollback()
            raise
        return result

    async def rollback(self) -> None:
        """Undo what was written; buffers are dropped with the unit."""
        if self._session is not None:
            await self._session.rollback()

    def keep_only(self, topic_ending: str) -> None:
        """After a failure: drop what was buffered, except the messages that tell of failures."""
        if self._deferring is not None:
            self._deferring.deferred = None
        if self._runs is not None:
            self._runs.started.clear()
        if self._broker is not None:
            self._broker.published = [each for each in self._broker.published if each.topic.endswith(topic_ending)]

    async def listener(self, listening: Listening) -> Application | None:
        """Return the application that a subscription belongs to: another workflow's, or a later version of this one."""
        if listening.version_id == self.place.version_id:
            return self.place.application
        tenant_id, environment_id, _ = self.place.scope
        place = await self._services.live_place(tenant_id, environment_id, listening.workflow_id)
        return None if place is None else place.application

    async def _flush(self, result: Committed) -> None:
        now = self._services.clock.now()
        if self._runs is not None and self._runs.started:
            for row, key in self._runs.rows(now):
                if key is None or await self._is_first(row, key):
                    await self._insert([row], result)
        if self._broker is not None and self._broker.published:
            await self._insert(await self._broker.flush(now), result)
            result.has_work = True

    async def _is_first(self, row: NewRunRow, key: str) -> bool:
        source = f"run:{row.origin.workflow_id}:{row.origin.environment_id}:{row.origin.entry}"
        return bool(await self.session.write(SQL.remember_event, (row.id, row.tenant_id, source, key)))

    async def _insert(self, rows: list[NewRunRow], result: Committed) -> None:
        for row in rows:
            await self.session.change(WRITER_SQL.insert_one, row.values())
            if row.ready_at is not None:
                await self.session.change(WRITER_SQL.insert_one_work, row.work_values())
                result.has_work = True

    async def _journal(self, change: Change, result: Committed) -> bool:
        written = await journal.write(await self.session.connection(), [change])
        result.sequence = written.sequences.get(change.run_id)
        result.has_work = result.has_work or written.has_more
        return result.sequence is not None

    async def _settle(self) -> None:
        if self._deferring is not None:
            await self._deferring.settle()

    @Port
    def resources(self) -> PostgresResources:
        """Stored objects."""
        if not self.defers:
            return PostgresResources(self.session, self.place, self._services.secrets)
        self._deferring = DeferringResources(self.session, self.place, self._services.secrets)
        return self._deferring

    @Port
    def instances(self) -> PostgresInstances:
        """Instances of state machines."""
        return PostgresInstances(self.session, self.place, self._run_id, OldTexts(self._services.secrets, self.place))

    @Port
    def secrets(self) -> PlaceSecrets:
        """Secrets of the environment."""
        return PlaceSecrets(self._services.secrets, self.place)

    @Port
    def databases(self) -> TenantDatabases:
        """Databases of the tenant's own."""
        return TenantDatabases(self._services.data_folder, self._services.database_guard, self.place)

    @Port
    def effects(self) -> Ledger:
        """Intents and receipts."""
        return Ledger(self._services.ledger, self.place.tenant_id, self._run_id, self._settle)

    @Port
    def cache(self) -> RedisCache:
        """What is kept for a while."""
        return self._services.caches.scoped(self.place, self._services.clock)

    @Port
    def counters(self) -> Any:
        """Token buckets."""
        return self._services.buckets.scoped(self.place.label)

    @Port
    def metrics(self) -> HostedMetrics:
        """Samples of the document."""
        return HostedMetrics(self.place.samples, self._services.samples, self.place.scope, self.session)

    @Port
    def log_targets(self) -> NoLogTargets:
        """Where a document's logs go beside the run."""
        return NoLogTargets()

    @Port
    def memory(self) -> Any:
        """What the process remembers."""
        return self._services.memory.scoped(self.place.label)
