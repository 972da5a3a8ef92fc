"""Kafka over aiokafka: one producer per cluster, one consumer per line."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    ConsumerStoppedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from apps.engine.local.kafka_connections import guard
from apps.engine.local.outbound import MayReach
from apps.engine.local.wire_reach import Reach
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.wires import Wire, WireMessage

CLIENT = "weft"
REQUEST_MS = 15_000
BACKOFF_MS = 500
SESSION_MS = 10_000
HEARTBEAT_MS = 3_000
STOP_SECONDS = 2.0
WAIT_MS = 1_000
METADATA_MS = 30_000  # how soon a topic that comes to be is noticed
MOST_AT_ONCE = 200
LARGEST_FETCH = 8 * 1_048_576
LARGEST_REQUEST = 2 * 1_048_576  # a payload, in its envelope
TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
REFUSED = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
TROUBLE = (KafkaError, ConsumerStoppedError, OSError, TimeoutError)


class KafkaSender:
    """A producer of one cluster; made by `open`, in the event loop that uses it."""

    def __init__(self, producer: Any, reach: Reach) -> None:
        self._producer, self._reach = producer, reach

    @classmethod
    async def open(cls, wire: Wire, may_reach: MayReach) -> "KafkaSender":
        """Connect; raise `TryAgain` or `StepFailed`."""
        reach = Reach(may_reach)
        guard.set(reach)
        options = _options(wire) | {"acks": "all", "max_request_size": LARGEST_REQUEST}
        producer = AIOKafkaProducer(**options, metadata_max_age_ms=METADATA_MS)
        try:
            await producer.start()
        except BaseException as problem:
            await producer.stop()
            raise _failure(problem, reach) from problem
        return cls(producer, reach)

    async def publish(self, message: WireMessage, timeout: float) -> dict[str, Any]:
        """Send one message; return where it stands."""
        if not TOPIC.fullmatch(message.topic):
            raise StepFailed(f"{message.topic!r} is no topic of Kafka.", code="broker.bad_topic")
        guard.set(self._reach)
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        key = None if message.key is None else message.key.encode()
        try:
            async with asyncio.timeout(timeout):
                stored = await self._producer.send_and_wait(message.topic, message.body, key=key, headers=headers)
        except TROUBLE as problem:
            raise _failure(problem, self._reach) from problem
        return {"topic": stored.topic, "partition": stored.partition, "offset": stored.offset}

    async def close(self) -> None:
        """Give the connections up, and records that nobody waits for any more."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._producer.stop()
        except TimeoutError:
            await self._producer._sender.close()
            await self._producer.client.close()


async def check_kafka(wire: Wire, may_reach: MayReach, timeout: float) -> None:
    """Return when any broker answers."""
    reach = Reach(may_reach)
    guard.set(reach)
    client = AIOKafkaClient(**_options(wire))
    try:
        async with asyncio.timeout(timeout):
            await client.bootstrap()
    except TROUBLE as problem:
        raise _failure(problem, reach) from problem
    finally:
        await client.close()


@asynccontextmanager
async def kafka_line(wire: Wire, topics: Sequence[str], group: str, may_reach: MayReach) -> AsyncIterator["KafkaLine"]:
    """Open a consumer of the group."""
    reach = Reach(may_reach)
    guard.set(reach)
    consumer = AIOKafkaConsumer(
        **_options(wire),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="latest",
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        metadata_max_age_ms=METADATA_MS,
        fetch_max_bytes=LARGEST_FETCH,
    )
    if any("*" in topic for topic in topics):
        consumer.subscribe(pattern="|".join(f"(?:{_expression(topic)})$" for topic in topics))
    else:
        consumer.subscribe(topics=list(topics))
    try:
        await consumer.start()
        yield KafkaLine(consumer, reach)
    except TROUBLE as problem:
        raise _failure(problem, reach) from problem
    finally:
        await consumer.stop()


class KafkaLine:
    """What a consumer hears. Where the group has no offset yet, one is set before anything is taken in."""

    def __init__(self, consumer: Any, reach: Reach) -> None:
        self._consumer, self._reach = consumer, reach
        self._placed: set[Any] = set()

    async def receive(self) -> list[WireMessage]:
        """Wait a second for records; return those that came."""
        try:
            found = await self._consumer.getmany(timeout_ms=WAIT_MS, max_records=MOST_AT_ONCE)
            await self._place(found)
        except TROUBLE as problem:
            raise _failure(problem, self._reach) from problem
        return [_message(record) for records in found.values() for record in records]

    async def settle(self) -> None:
        """Move the group's offsets behind what was received."""
        try:
            await self._consumer.commit()
        except TROUBLE as problem:
            raise _failure(problem, self._reach) from problem

    async def _place(self, found: dict[Any, list[Any]]) -> None:
        """Write down where new partitions begin: a group that has no offset would begin at their end once more."""
        self._placed &= self._consumer.assignment()
        for partition in self._consumer.assignment() - self._placed:
            if await self._consumer.committed(partition) is None:
                records = found.get(partition)
                begins = records[0].offset if records else await self._consumer.position(partition)
                await self._consumer.commit({partition: begins})
            self._placed.add(partition)


def _message(record: Any) -> WireMessage:
    return WireMessage(
        record.topic,
        record.value or b"",
        None if record.key is None else record.key.decode(errors="replace"),
        {name: value.decode(errors="replace") for name, value in record.headers if value is not None},
        f"{record.topic}/{record.partition}/{record.offset}/{record.timestamp}",
    )


def _options(wire: Wire) -> dict[str, Any]:
    signs_in = bool(wire.username)
    transport = "SSL" if wire.is_encrypted else "PLAINTEXT"
    found: dict[str, Any] = {
        "bootstrap_servers": list(wire.addresses),
        "client_id": CLIENT,
        "request_timeout_ms": REQUEST_MS,
        "retry_backoff_ms": BACKOFF_MS,
        "security_protocol": f"SASL_{transport}" if signs_in else transport,
    }
    if wire.is_encrypted:
        found["ssl_context"] = ssl.create_default_context()
    if signs_in:
        found["sasl_mechanism"] = wire.mechanism
        found["sasl_plain_username"] = wire.username
        found["sasl_plain_password"] = wire.password
    return found


def _expression(topic: str) -> str:
    """Return the regular expression of a subscription's topic (`engine/topics.py`); it may take in more."""
    return re.escape(topic).replace(r"\.\*\*", r"(\..*)?").replace(r"\*\*", ".*").replace(r"\*", "[^.]*")


def _failure(problem: BaseException, reach: Reach) -> BaseException:
    if isinstance(problem, REFUSED):
        return StepFailed(f"Kafka refuses: {problem}", code="broker.refused")
    if isinstance(problem, (*TROUBLE, StepFailed, TryAgain)):
        return reach.failure(problem)
    return problem
