"""Brokers outside played by this process (spec/modules.md 3.3 [T]): documents run where Kafka or NATS is not.

What is published at an address is heard by whoever listens at that address, by topic, each group once, from the
beginning of what is kept. It is kept in memory until the process ends or there is too much of it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from apps.engine.local.kafka_wire import TOPIC
from apps.engine.local.nats_wire import is_subject
from apps.engine.outcome import StepFailed
from apps.engine.topics import TopicTable
from apps.engine.wires import KAFKA, Wire, WireMessage

MOST_KEPT = 10_000  # messages at one address
MOST_BYTES = 64 * 1_048_576  # and of their bodies
MOST_AT_ONCE = 200
WAIT_SECONDS = 1.0

Address = tuple[str, tuple[str, ...]]  # kind, host:port ...


class SubstituteWires:
    """The `Wires` port without a network; it belongs to one event loop."""

    def __init__(self) -> None:
        self._brokers: dict[Address, _Broker] = {}

    async def publish(self, wire: Wire, message: WireMessage, *, timeout: float = 30.0) -> dict[str, Any]:
        """Keep a message; raise `StepFailed` for what the real broker would not take as a topic."""
        is_topic = TOPIC.fullmatch(message.topic) is not None if wire.kind == KAFKA else is_subject(message.topic)
        if not is_topic:
            raise StepFailed(f"{message.topic!r} is no topic of {wire.kind}.", code="broker.bad_topic")
        return {"topic": message.topic, "offset": self._broker(wire).put(message)}

    async def check(self, wire: Wire, *, timeout: float = 5.0) -> None:
        """Return: it is always there."""

    @asynccontextmanager
    async def listen(self, wire: Wire, topics: Sequence[str], *, group: str) -> AsyncIterator["_Line"]:
        """Open a line."""
        yield _Line(self._broker(wire), topics, group)

    def _broker(self, wire: Wire) -> "_Broker":
        return self._brokers.setdefault((wire.kind, wire.addresses), _Broker())


@dataclass(frozen=True, slots=True)
class _Kept:
    offset: int
    message: WireMessage


class _Broker:
    """What was published at one address, oldest first, and how far each group is in each topic."""

    def __init__(self) -> None:
        self._name = uuid4().hex  # so that a place is never one of an earlier process
        self._log: deque[_Kept] = deque()
        self._bytes = 0
        self._next = 0
        self._settled: dict[tuple[str, str], int] = {}  # group and topic -> the first offset that is to come
        self.news = asyncio.Event()

    def put(self, message: WireMessage) -> int:
        """Keep a message, and forget what is too much; return its offset."""
        offset, self._next = self._next, self._next + 1
        self._log.append(_Kept(offset, replace(message, place=f"{self._name}/{offset}")))
        self._bytes += len(message.body)
        while len(self._log) > MOST_KEPT or (self._bytes > MOST_BYTES and len(self._log) > 1):
            self._bytes -= len(self._log.popleft().message.body)
        if len(self._settled) > 2 * MOST_KEPT:
            here = {kept.message.topic for kept in self._log}
            self._settled = {place: offset for place, offset in self._settled.items() if place[1] in here}
        self.news.set()
        self.news = asyncio.Event()
        return offset

    def waiting(self, group: str, table: TopicTable[bool], beyond: int) -> list[_Kept]:
        """Return what a group has not settled, of matching topics and from an offset on."""
        found: list[_Kept] = []
        for kept in self._log:
            topic = kept.message.topic
            if kept.offset >= max(beyond, self._settled.get((group, topic), 0)) and table.find(topic):
                found.append(kept)
                if len(found) == MOST_AT_ONCE:
                    break
        return found

    def settle(self, group: str, received: Sequence[_Kept]) -> None:
        """Move a group behind what it has received."""
        for kept in received:
            place = group, kept.message.topic
            self._settled[place] = max(self._settled.get(place, 0), kept.offset + 1)


class _Line:
    """What one consumer hears."""

    def __init__(self, broker: _Broker, topics: Sequence[str], group: str) -> None:
        self._broker, self._group = broker, group
        self._table = TopicTable((topic, True) for topic in topics)
        self._beyond = 0
        self._received: list[_Kept] = []

    async def receive(self) -> list[WireMessage]:
        """Wait a second for messages; return those that came."""
        news = self._broker.news
        found = self._broker.waiting(self._group, self._table, self._beyond)
        if not found:
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await news.wait()
            found = self._broker.waiting(self._group, self._table, self._beyond)
        if found:
            self._beyond = found[-1].offset + 1
            self._received += found
        return [kept.message for kept in found]

    async def settle(self) -> None:
        """Move the group behind what was received."""
        self._broker.settle(self._group, self._received)
        self._received = []
