"""What is heard from NATS: a durable consumer of each subject that is in a stream, a plain one of each other."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import nats.errors
import nats.js.errors
from nats.aio.subscription import Subscription
from nats.js.api import ConsumerConfig, DeliverPolicy

from apps.engine.local.nats_client import API_SECONDS, TROUBLE, NatsClient, Streams, connected
from apps.engine.local.outbound import MayReach
from apps.engine.local.wire_reach import Reach
from apps.engine.outcome import TryAgain
from apps.engine.topics import matches
from apps.engine.wires import MESSAGE_KEY, Wire, WireMessage

WAIT_SECONDS = 1.0
BATCH_SECONDS = 1.0  # after which the server ends a batch that is not full
OVER = frozenset({"404", "408"})  # there is nothing, or the time is up
LARGER = "MaxBytes"  # in the description of a batch that ends because the next message does not fit any more
MOST_AT_ONCE = 100
MOST_WAITING = 1_000  # messages of one subject, and a share of the bytes, that wait to be taken in
MOST_WAITING_BYTES = 16 * 1_048_576
ACK_SECONDS = 30.0  # after which another consumer gets what one that died had taken
CLOSE_SECONDS = BATCH_SECONDS + 1.0
FORGOTTEN_SECONDS = 7 * 86_400.0  # a durable consumer that nobody uses any more is removed by the server


@asynccontextmanager
async def nats_line(wire: Wire, topics: Sequence[str], group: str, may_reach: MayReach) -> AsyncIterator["NatsLine"]:
    """Open a consumer: a durable one for each subject that is in a stream, a plain one for each other."""
    reach = Reach(may_reach)
    client = await connected(wire, reach)
    line = NatsLine(client, reach, list(dict.fromkeys(each for topic in topics for each in subjects_of(topic))), group)
    try:
        await line.start()
        yield line
    except TROUBLE as problem:
        raise reach.failure(problem) from problem
    finally:
        await line.close()


class NatsLine:
    """What the consumers of one connection hear. Of overlapping subjects the first one takes a message in."""

    def __init__(self, client: NatsClient, reach: Reach, subjects: list[str], group: str) -> None:
        self._client, self._reach, self._subjects, self._group = client, reach, subjects, group
        self._came: asyncio.Queue[list[Any]] = asyncio.Queue(1)
        self._unsettled: list[Any] = []
        self._taken: dict[int, Any] = {}  # from streams and not yet settled
        self._is_closing = False
        self._pumps: list[asyncio.Task[None]] = []
        self._streaming: list[asyncio.Task[None]] = []  # those of streams

    async def start(self) -> None:
        """Subscribe to everything."""
        streams = Streams(self._client)
        for subject in self._subjects:
            stream = await streams.of(subject)
            source = await (self._durable(subject, stream) if stream else self._plain(subject))
            task = asyncio.create_task(self._pump(subject, source))
            self._pumps.append(task)
            self._streaming += [task] if stream else []

    async def receive(self) -> list[WireMessage]:
        """Wait a second for messages; return those that came."""
        waiting = asyncio.create_task(self._came.get())
        try:
            await asyncio.wait([waiting, *self._pumps], timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not waiting.done():
                waiting.cancel()
        self._raise_broken()
        if not waiting.done():
            return []
        self._unsettled = waiting.result()
        return [_message(each) for each in self._unsettled]

    async def settle(self) -> None:
        """Acknowledge what was received last."""
        try:
            for each in self._unsettled:
                if each.reply:
                    await each.ack()
                    self._taken.pop(id(each), None)
            await self._client.flush()
        except TROUBLE as problem:
            raise self._reach.failure(problem) from problem
        self._unsettled = []

    async def close(self) -> None:
        """Stop listening, give back what was not settled, so that it need not be waited for, and disconnect.

        Whoever is cancelled meanwhile waits for the end of it all the same.
        """
        closing = asyncio.ensure_future(self._close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await asyncio.wait([closing])
            raise

    async def _close(self) -> None:
        self._is_closing = True
        discarding = asyncio.create_task(self._discard())
        try:
            if self._streaming:
                await asyncio.wait(self._streaming, timeout=CLOSE_SECONDS)  # a stream may be sending at this moment
            await self._give_back()
        finally:
            for task in (*self._pumps, discarding):
                task.cancel()
            try:
                await asyncio.gather(*self._pumps, discarding, return_exceptions=True)
            finally:
                await self._client.drop()

    async def _discard(self) -> None:
        while True:
            await self._came.get()

    async def _give_back(self) -> None:
        with suppress(*TROUBLE):
            for each in self._taken.values():
                await each.nak()
            await self._client.flush()

    def _raise_broken(self) -> None:
        broken = next((pump for pump in self._pumps if pump.done()), None)
        if broken is not None:
            problem = broken.exception()
            raise self._reach.failure(problem or ConnectionError("the line ended"))
        if self._client.is_closed:
            raise TryAgain("The connection to NATS is gone.", code="broker.unreachable")

    async def _durable(self, subject: str, stream: str) -> "_Pulled":
        name = _name(self._group, subject)
        manager = self._client.jsm(timeout=API_SECONDS)
        try:
            await manager.consumer_info(stream, name)
        except nats.js.errors.NotFoundError:
            await manager.add_consumer(stream, self._config(name, subject))
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        return _Pulled(self._client, subscription, f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}", inbox)

    def _config(self, name: str, subject: str) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=name,
            filter_subject=subject,
            deliver_policy=DeliverPolicy.NEW,
            ack_wait=ACK_SECONDS,
            inactive_threshold=FORGOTTEN_SECONDS,
            description=self._group,
        )

    async def _plain(self, subject: str) -> "_Plain":
        found = await self._client.subscribe(
            subject,
            queue=_name(self._group, subject),  # of its own: one name over several subjects is one queue
            pending_msgs_limit=MOST_WAITING,
            pending_bytes_limit=MOST_WAITING_BYTES,
        )
        return _Plain(found)

    async def _pump(self, subject: str, source: "_Pulled | _Plain") -> None:
        while not (self._is_closing and source.is_over):
            found = await source.next()
            self._taken |= {id(each): each for each in found if each.reply}
            mine = [each for each in found if self._is_first(subject, each.subject)]
            for other in found:
                if other not in mine and other.reply:
                    await other.ack()
                    del self._taken[id(other)]
            if mine and not self._is_closing:
                await self._came.put(mine)

    def _is_first(self, subject: str, came: str) -> bool:
        return next(each for each in self._subjects if _takes(each, came)) == subject


class _Pulled:
    """What a stream sends to a durable consumer: asked for in batches, and taken as it comes.

    A batch is always waited for: what the server sends when nobody listens any more is lost until `ACK_SECONDS` end.
    """

    def __init__(self, client: NatsClient, subscription: Subscription, asked: str, inbox: str) -> None:
        self._client, self._subscription, self._asked, self._inbox = client, subscription, asked, inbox
        self._open = 0  # messages that may still come of what was asked for

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes unless it is asked for."""
        return not self._open

    async def next(self) -> list[Any]:
        """Return the next messages, none when the server has ended a batch; raise what is in `TROUBLE`."""
        if not self._open:
            await self._ask()
        found = [await self._taken(timeout=BATCH_SECONDS + API_SECONDS)]
        while self._subscription.pending_msgs and len(found) < MOST_AT_ONCE:
            found.append(await self._taken(timeout=API_SECONDS))
        return [each for each in found if each is not None]

    async def _ask(self) -> None:
        batch = {"batch": MOST_AT_ONCE, "max_bytes": MOST_WAITING_BYTES, "expires": int(BATCH_SECONDS * 1e9)}
        await self._client.publish(self._asked, json.dumps(batch).encode(), self._inbox)
        self._open = MOST_AT_ONCE

    async def _taken(self, timeout: float) -> Any:
        """Return one message, or None where the server says that the batch is over."""
        message = await self._subscription.next_msg(timeout=timeout)
        if message.reply:  # where to acknowledge it; what the server says of a batch has none
            self._open -= 1
            return message
        said = message.headers or {}
        if said.get("Status") not in OVER and LARGER not in said.get("Description", ""):
            raise nats.errors.Error(f"nats: {said.get('Status')} {said.get('Description')}")
        self._open = 0
        return None


class _Plain:
    is_over = True  # it is not waited for: what nobody kept is lost anyway

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription

    async def next(self) -> list[Any]:
        """Return the messages that have come; a request's reply address means nothing to a listener."""
        found = [await self._subscription.next_msg(timeout=None)]
        while self._subscription.pending_msgs and len(found) < MOST_AT_ONCE:
            found.append(await self._subscription.next_msg(timeout=None))
        for each in found:
            each.reply = ""
        return found


def subjects_of(topic: str) -> list[str]:
    """Return the subjects that take in a subscription's topic (`engine/topics.py`), and perhaps more."""
    parts: list[str] = []
    for part in topic.split("."):
        if "**" in part:
            return [".".join([*parts, ">"]), *([".".join(parts)] if parts else [])]
        parts.append("*" if "*" in part else part)
    return [".".join(parts)]


def _takes(subject: str, came: str) -> bool:
    return matches(f"{subject[:-1]}*.**" if subject.endswith(">") else subject, came)


def _name(group: str, subject: str) -> str:
    """Return the name of what a group hears of a subject, in signs that a server takes."""
    return "weft-" + sha256(f"{group} {subject}".encode()).hexdigest()[:32]


def _message(found: Any) -> WireMessage:
    headers = dict(found.headers or {})
    key = headers.get(MESSAGE_KEY)
    place = ""
    if found.reply:
        about = found.metadata
        place = f"{about.stream}/{about.sequence.stream}/{about.timestamp.timestamp()}"
    return WireMessage(found.subject, found.data, None if key is None else unquote(key), headers, place)
