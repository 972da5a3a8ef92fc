"""Publishing within a unit: messages are buffered and leave when the unit commits (data.md 6).

Lanes are taken in one order by every publisher, so that two of them cannot deadlock. Delivering is somebody else's
work after the commit: a handler may publish to, or subscribe to, its own topic without waiting for itself.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from apps.core.sealing import seal
from apps.engine.application import Application
from apps.engine.events import QUIET_HEADER, REQUEST_HEADER, is_quiet
from apps.engine.hops import BEGINNING, Way, refuse_ring, way_of
from apps.engine.ids import uuid7
from apps.engine.links.following import FORWARDED_HEADER, Link
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.private_topics import own_topic, published_topic
from apps.engine.subscription import STARTING, Arrived, Subscription
from apps.engine.topics import PRIVATE, TopicTable
from apps.runs.adapters.payloads import dumped
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import NewRunRow, RunOrigin, clean, shard_of
from apps.runs.adapters.sql import Statements
from apps.runs.adapters.starts import accepted_row
from apps.runs.rules.sealing import MESSAGE_HEADERS, MESSAGE_PAYLOAD

SQL = Statements("unit")
LONGEST_KEY = 200
LivePlace = Callable[[UUID, UUID, UUID], Awaitable[Place | None]]  # tenant, environment, workflow


@dataclass(frozen=True, slots=True)
class Listening:
    """One subscription of a live deployment in the publisher's environment."""

    workflow_id: UUID
    version_id: UUID
    version_number: int
    name: str
    topic: str
    entry: str
    ordering: str
    link: str | None = None  # what a link between workflows says (`Link.text`), where that is what listens

    @property
    def decides(self) -> bool:
        """Whether the document says for each message whether it is heard and which run it becomes."""
        return self.entry.startswith(STARTING)

    def hears(self, topic: str, headers: Mapping[str, str] | None) -> bool:
        """Whether it has not heard this before, under the same topic, from the workflow that it was forwarded by.

        What takes messages to a broker outside has not: that is the target's own.
        """
        return self.link is not None or topic.startswith(PRIVATE) or FORWARDED_HEADER not in (headers or {})


Listener = Callable[[Listening], Awaitable[Application | None]]


class Writing(Protocol):
    """A transaction to write in, scoped to one tenant."""

    async def rows(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads."""

    async def change(self, statement: str, values: Any = ()) -> int:
        """Run a statement that changes rows and return how many it touched."""


@dataclass(frozen=True, slots=True)
class Published:
    """One message; `encoded` is its payload as JSON."""

    id: UUID
    topic: str
    payload: Any
    key: str | None
    headers: dict[str, str] | None
    encoded: bytes


@dataclass(frozen=True, slots=True)
class Topics:
    """What the publisher's application and its links make of a topic."""

    addressed: Callable[[str], str] = str
    is_linked: Callable[[str], bool] = lambda topic: False


PLAIN = Topics()


class BufferedBroker:
    """`engine.ports.Broker`.

    `scope` is the publisher's tenant, environment and workflow, `run_id` the run that publishes, if any; `listener`
    gives the application of a subscription.
    """

    def __init__(
        self,
        session: Writing,
        scope: tuple[UUID, UUID, UUID],
        run_id: UUID | None,
        request_id: str,
        listener: Listener,
        *,
        topics: Topics = PLAIN,
        quiet: bool = False,
        way: Way = BEGINNING,
    ) -> None:
        self.is_linked = topics.is_linked
        self._session = session
        self._listener = listener
        self._addressed = topics.addressed
        self._scope = scope
        self._tenant_id, self._environment_id, _ = scope
        self._run_id = run_id
        self.is_quiet, self.hops = quiet, len(way.links)
        self._added = {REQUEST_HEADER: request_id} if request_id else {}
        self._added |= {QUIET_HEADER: "1"} if quiet else {}
        self._added |= way.headers()
        self.published: list[Published] = []

    def publish(
        self,
        topic: str,
        payload: Any,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        on_bus: bool = False,
    ) -> UUID:
        """Buffer a message; it leaves when the unit commits and not otherwise. Raises `PayloadTooLarge`."""
        together = {**(headers or {}), **self._added} or None
        address = topic if on_bus else self._addressed(topic)
        message = Published(uuid7(), address, payload, key, together, dumped(payload))
        self.published.append(message)
        return message.id

    async def flush(self, now: datetime) -> list[NewRunRow]:
        """Write messages and deliveries; return the runs of deliveries that need no lane."""
        table = await self._subscriptions()
        in_lanes: list[dict[str, Any]] = []
        at_once: list[NewRunRow] = []
        for message in self.published:
            await self._store(message)
            for listening in self._hearers(table, message.topic):
                if not listening.hears(message.topic, message.headers):
                    continue
                subscription = await self._subscription(listening)
                if subscription is not None and not subscription.hears(message.topic, message.payload):
                    continue
                row = self._at_once(message, listening, subscription, now)
                if row is None:
                    key = message.key if subscription is None else subscription.key(message.payload, message.key)
                    in_lanes.append(self._delivery(message, listening, lane_key(key or "")))
                    continue
                await self._session.change(
                    SQL.deliver_at_once, self._delivery(message, listening) | {"id": row.delivery_id, "run": row.id}
                )
                at_once.append(row)
        for values in sorted(in_lanes, key=_lane):
            await self._session.change(SQL.deliver_in_lane, values)
        return at_once

    async def _subscriptions(self) -> TopicTable[Listening]:
        rows = await self._session.rows(SQL.subscriptions, (self._environment_id, self._scope[2]))
        return TopicTable([(row[4], Listening(*row)) for row in rows])

    def _hearers(self, table: TopicTable[Listening], topic: str) -> Iterator[Listening]:
        """Return who takes a topic in: of a private one its own workflow, and links by what was published under it."""
        if not topic.startswith(PRIVATE):
            yield from table.find(topic)
            return
        written = published_topic(topic)
        yield from (each for each in table.find(topic) if each.link is None and each.workflow_id == self._scope[2])
        yield from (each for each in (table.find(written) if written else ()) if each.link is not None)

    async def _store(self, message: Published) -> None:
        headers = None if message.headers is None else dumped(message.headers)
        await self._session.change(
            SQL.message_insert,
            (
                message.id,
                *self._scope,
                self._run_id,
                clean(message.topic),
                None if message.key is None else clean(message.key),
                seal(headers, self._tenant_id, MESSAGE_HEADERS),
                seal(message.encoded, self._tenant_id, MESSAGE_PAYLOAD),
            ),
        )

    async def _subscription(self, listening: Listening) -> Subscription | None:
        """Ask the listening workflow, which may be another one, what it says of a subscription.

        One that takes in whatever comes, at once, need not be asked; nor a link, whose target need not be live yet.
        """
        if listening.link is not None or (listening.ordering == "none" and not listening.decides):
            return None
        application = await self._listener(listening)
        return None if application is None else application.subscription(listening.name, listening.topic)

    def _at_once(
        self, message: Published, listening: Listening, subscription: Subscription | None, now: datetime
    ) -> NewRunRow | None:
        """Return the run of a delivery that needs no lane; what cannot be told here is left to the lane."""
        if listening.ordering != "none":
            return None
        starts = None if subscription is None else subscription.starts
        if listening.decides and starts is None:
            return None
        try:
            return message_run(
                uuid7(),
                self._tenant_id,
                self._environment_id,
                listening,
                message,
                now,
                delivery_id=uuid7(),
                starts=starts,
            )
        except StepFailed:
            return None

    def _delivery(self, message: Published, listening: Listening, key: str = "") -> dict[str, Any]:
        return {
            "id": uuid7(),
            "lane": uuid7(),
            "tenant": self._tenant_id,
            "environment": self._environment_id,
            "workflow": listening.workflow_id,
            "subscription": listening.name,
            "key": key,
            "message": message.id,
            "shard": shard_of(self._tenant_id),
            "replays": 0,
        }


def message_run(
    run_id: UUID,
    tenant_id: UUID,
    environment_id: UUID,
    listening: Listening,
    message: Published,
    now: datetime,
    *,
    delivery_id: UUID,
    starts: Callable[[Arrived], NewRun] | None = None,
) -> NewRunRow:
    """Return the run that hands a message to one subscription, or that the message starts.

    Raises `StepFailed` when no run can be made of the message.
    """
    way = way_of(message.headers)
    refuse_ring(way)
    common: dict[str, Any] = {
        "delivery_id": delivery_id,
        "request_id": (message.headers or {}).get(REQUEST_HEADER, ""),
        "quiet": is_quiet(message.topic, message.headers),
        "way": way,
    }
    if starts is None:
        origin = message_origin(tenant_id, environment_id, listening, message.topic)
        common |= {"encoded": message.encoded, "correlation": str(message.id)}
        return accepted_row(run_id, origin, message.payload, now, **common)
    run = starts(Arrived(str(message.id), own_topic(message.topic), message.payload, message.key))
    origin = started_origin(message_origin(tenant_id, environment_id, listening, run.action), run)
    return accepted_row(run_id, origin, run.data, now, correlation=run.correlation or str(message.id), **common)


def link_run(
    run_id: UUID,
    place: Place,
    listening: Listening,
    message: Published,
    now: datetime,
    *,
    delivery_id: UUID,
) -> NewRunRow:
    """Return the run at a link's target, live at `place`, that a message of its source becomes.

    It has lifecycle events even where the message is one: what goes round is ended by the links that it has passed.
    Raises `StepFailed` when no run can be made of the message.
    """
    link = Link.read(listening.link or "")
    way = link.passed(message.headers)
    arrived = Arrived(str(message.id), own_topic(message.topic), message.payload)
    run = link.run(place.application, arrived, message.key, message.headers)
    origin = message_origin(place.tenant_id, place.environment_id, listening, run.action)
    return accepted_row(
        run_id,
        started_origin(origin, run),
        run.data,
        now,
        correlation=run.correlation,
        delivery_id=delivery_id,
        request_id=(message.headers or {}).get(REQUEST_HEADER, ""),
        quiet=QUIET_HEADER in (message.headers or {}),
        way=way,
    )


def started_origin(origin: RunOrigin, run: NewRun) -> RunOrigin:
    """Return the constant columns of a run that a subscription's message becomes, instead of the subscription's own."""
    return replace(origin, source=run.source, entry=run.entry, section=run.section, workflow_name=run.workflow)


def message_origin(tenant_id: UUID, environment_id: UUID, listening: Listening, topic: str) -> RunOrigin:
    """Return the constant columns of the runs of one subscription."""
    return RunOrigin(
        tenant_id,
        environment_id,
        listening.workflow_id,
        listening.version_id,
        listening.version_number,
        "message",
        listening.entry,
        "messaging",
        own_topic(topic),
        listening.name,
    )


def lane_key(key: str) -> str:
    """Make a key storable: cleaned, and a digest of itself when it is long."""
    text = clean(key)
    return text if len(text) <= LONGEST_KEY else "sha256:" + sha256(text.encode()).hexdigest()


def _lane(values: dict[str, Any]) -> tuple[Any, ...]:
    return (values["workflow"], values["subscription"], values["key"], values["message"])
