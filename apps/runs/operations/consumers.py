"""Consumers of brokers outside: one for each feed of each live document, in whichever worker has its lease.

A deployment writes the rows. Each worker looks every second: it takes over what nobody has, begins anew what another
version is live of, and lets go of what is gone. A worker that dies is followed by another when its lease has ended.
Taking messages in and holding the lease for the live version is one transaction, so one that is late takes in nothing;
and what is delivered again is known by the mark in `event_seen`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import cast
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import ProgramLimitExceeded

from apps.core.changes import ChangeListener, Notice, listener
from apps.core.scope import current_tenant
from apps.engine.application import Application
from apps.engine.feeds import Arrival, Feed, refused_run
from apps.engine.ids import uuid7
from apps.engine.local.consuming import consume
from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import Unit
from apps.engine.private_topics import own_topic
from apps.engine.wires import Wire, Wires
from apps.runs.adapters import control
from apps.runs.adapters.broker import BufferedBroker
from apps.runs.adapters.consumers import SQL, Consumer, ConsumerLeases
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import NewRunRow, clean
from apps.runs.adapters.services import Services
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.starts import accepted_row
from apps.runs.adapters.unit import HostedUnit
from apps.workflows.queries.deployments import DeploymentView

log = structlog.get_logger(__name__)
UNIT = Statements("unit")
WRITER = Statements("writer")
MOST_OF_PROCESS = 200
MOST_OF_TENANT = 20  # in one process, so that a tenant with many brokers leaves room for others
CLAIM_AT_ONCE = 8  # others may take some of what is new
LONGEST_IDENTITY = 200
STOP_SECONDS = 5.0  # after which a task that goes on is told again; more than a line takes to close
REFUSED = (psycopg.DataError, psycopg.IntegrityError, ProgramLimitExceeded)  # it is the message, not the database


class LeaseGone(Exception):
    """Another worker, or another version, has the consumer."""


def consumers_rewrite(deployment: DeploymentView, feeds: tuple[Feed, ...]) -> None:
    """Leave exactly the consumers of these feeds, in the deployment's transaction."""
    place = (deployment.environment_id, deployment.workflow_id)
    wanted = [clean(feed.name) for feed in feeds]
    control.execute(control.SQL.consumers_drop, (*place, wanted))
    for name in wanted:
        version = (deployment.version_id, deployment.version)
        control.execute(control.SQL.consumer_put, (uuid7(), current_tenant(), *place, *version, name))


@dataclass(slots=True)
class _Listening:
    consumer: Consumer
    task: asyncio.Task[None] | None = None  # None: its version is not live here yet
    application: Application | None = None  # that the task listens for
    wire: Wire | None = None  # that it began with, if there was one


class Consumers:
    """The consumers of one worker process; `ring` is called when something was taken in."""

    def __init__(self, services: Services, ring: Callable[[], None], source: ChangeListener = listener) -> None:
        self._services = services
        self._ring = ring
        self._changed: set[UUID | None] = set()  # environments whose secrets may have; None: all
        source.subscribe("deployment", self._notice)
        self._leases = ConsumerLeases(services.pools, services.owner)
        self._held: dict[UUID, _Listening] = {}

    async def beat(self) -> None:
        """Keep what is held, let go of what is gone, take over what nobody has."""
        rows = {row.id: row for row in await self._leases.prolong(self._held)} if self._held else {}
        for identity, listening in list(self._held.items()):
            row = rows.get(identity)
            if row != listening.consumer:
                await self._stop(listening)
                del self._held[identity]
            if row is not None:
                self._held.setdefault(identity, _Listening(row))
        counts = Counter(listening.consumer.tenant_id for listening in self._held.values())
        room = min(CLAIM_AT_ONCE, MOST_OF_PROCESS - len(self._held))
        if room > 0:
            full = [tenant for tenant, count in counts.items() if count >= MOST_OF_TENANT]
            for row in await self._leases.claim(room, full):
                self._held[row.id] = _Listening(row)
        changed, self._changed = self._changed, set()
        try:
            for listening in self._held.values():
                await self._begin(listening, changed)
        except BaseException:
            self._changed |= changed
            raise

    async def close(self) -> None:
        """Stop listening and give the leases back."""
        await asyncio.gather(*(self._stop(listening) for listening in self._held.values()))
        self._held.clear()
        await self._leases.release()

    def _notice(self, notice: Notice | None) -> None:
        self._changed.add(None if notice is None else notice.id)

    async def _begin(self, listening: _Listening, changed: set[UUID | None]) -> None:
        is_running = listening.task is not None and not listening.task.done()
        has_values = listening.application is not None and bool(listening.application.settled.filled_at)
        may_have_changed = None in changed or listening.consumer.environment_id in changed
        if is_running and not has_values and not may_have_changed:
            return
        row = listening.consumer
        place = await self._services.live_place(row.tenant_id, row.environment_id, row.workflow_id)
        if is_running:
            is_same = place is not None and place.application is listening.application
            if place is not None and is_same and not (may_have_changed and await self._speaks_anew(listening, place)):
                return
            await self._stop(listening)  # secrets that its settings are made of have changed
        if place is None or place.version_id != row.version_id:
            return
        listening.application = place.application
        feed = _feed(place, row)
        if feed is not None:
            keeper = HostedKeeper(self._services, place, feed, row, self._ring)
            listening.wire = await _wire(feed, keeper)  # before the line's own, so that no change is missed
            listening.task = asyncio.create_task(consume(feed, keeper), name=f"consumer-{row.id}")

    async def _speaks_anew(self, listening: _Listening, place: Place) -> bool:
        """Whether the broker is another one, or spoken to otherwise, than the line that is open."""
        feed = _feed(place, listening.consumer)
        if feed is None:
            return False
        keeper = HostedKeeper(self._services, place, feed, listening.consumer, self._ring)
        return await _wire(feed, keeper) != listening.wire

    async def _stop(self, listening: _Listening) -> None:
        task, listening.task = listening.task, None
        while task is not None and not task.done():
            task.cancel()  # which a line that breaks at that moment may swallow
            await asyncio.wait([task], timeout=STOP_SECONDS)


class HostedKeeper:
    """Makes messages of the document's bus of what one consumer receives."""

    def __init__(
        self, services: Services, place: Place, feed: Feed, consumer: Consumer, ring: Callable[[], None]
    ) -> None:
        self._services, self._place, self._feed, self._consumer = services, place, feed, consumer
        self._ring = ring
        self._tenant_id = place.tenant_id
        self.group = f"weft-{consumer.label}"

    @property
    def wires(self) -> Wires:
        """Return the guarded way out."""
        return self._services.wires

    def context(self) -> Context:
        """Return a context of a unit that nothing is written through."""
        return Context(cast(Unit, self._unit()), run_id=uuid7())

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Store them and everything that follows in one transaction; one that cannot be stored is a failed run."""
        try:
            await self._keep(arrivals)
        except REFUSED as problem:
            if len(arrivals) > 1:
                for each in arrivals:
                    await self.keep([each])
                return
            log.exception("consumer.message_refused", tenant_id=str(self._tenant_id), broker=self._feed.name)
            if arrivals[0].refusal is not None:
                raise
            refusal = StepFailed("The message cannot be stored.", code="message.refused")
            refusal.__cause__ = problem
            await self.keep([_refused(arrivals[0], refusal)])
            return
        self._ring()

    def say(self, problem: Exception | None) -> None:
        """Log it; a fault of ours with its trace."""
        about = {
            "tenant_id": str(self._tenant_id),
            "workflow_id": str(self._place.workflow_id),
            "broker": self._feed.name,
        }
        if problem is None:
            log.info("consumer.listening", **about)
        elif isinstance(problem, TryAgain | StepFailed | LeaseGone):
            log.warning("consumer.line_broken", problem=getattr(problem, "code", "lease.gone"), **about)
        else:
            log.error("consumer.failed", exc_info=problem, **about)

    async def _keep(self, arrivals: list[Arrival]) -> None:
        session = Session(self._services.pools, self._tenant_id)
        try:
            held = (self._consumer.id, self._services.owner, self._consumer.version_id)
            if not await session.write(SQL.hold, held):
                raise LeaseGone
            broker = BufferedBroker(session, self._place.scope, None, "", self._unit().listener)
            rows = [row for each in arrivals if await self._is_new(session, each) for row in self._take(broker, each)]
            rows += await broker.flush(self._services.clock.now())
            for row in rows:
                await session.change(WRITER.insert_one, row.values())
                await session.change(WRITER.insert_one_work, row.work_values())
            await session.commit()
        except BaseException:
            await session.rollback()
            raise

    async def _is_new(self, session: Session, arrival: Arrival) -> bool:
        if not arrival.identity:
            return True
        identity = clean(arrival.identity)
        if len(identity) > LONGEST_IDENTITY:
            identity = "sha256:" + sha256(identity.encode()).hexdigest()
        source = f"consumer:{self._consumer.label}"
        return bool(await session.write(UNIT.remember_event, (uuid7(), self._tenant_id, source, identity)))

    def _take(self, broker: BufferedBroker, arrival: Arrival) -> list[NewRunRow]:
        """Publish a message; return the failed-to-be run of one that is refused."""
        refusal = arrival.refusal
        if refusal is None:
            try:
                way = arrival.way.headers()
                broker.publish(arrival.topic, arrival.payload, key=arrival.key, headers=way, on_bus=True)
            except StepFailed as too_large:
                refusal = too_large
            else:
                return []
        run = refused_run(self._feed.name, own_topic(arrival.topic), refusal)
        origin = self._place.origin(
            source=run.source, entry=run.entry, section=run.section, action=clean(run.action), workflow=run.workflow
        )
        return [accepted_row(uuid7(), origin, run.data, self._services.clock.now())]

    def _unit(self) -> HostedUnit:
        return HostedUnit(self._services, self._place, uuid7())


def _feed(place: Place, row: Consumer) -> Feed | None:
    return next((feed for feed in place.application.feeds if clean(feed.name) == row.broker), None)


async def _wire(feed: Feed, keeper: HostedKeeper) -> Wire | None:
    """Return how a broker is spoken to now, None where secrets do not let it; the consumer tells of that."""
    try:
        return await feed.broker.wire(keeper.context())
    except StepFailed:
        return None


def _refused(arrival: Arrival, refusal: StepFailed) -> Arrival:
    return Arrival(arrival.topic, None, None, arrival.identity, refusal)
