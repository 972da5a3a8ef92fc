"""NATS over nats-py: one connection per server for what is published, one per line. JetStream where there is a stream.

Connections are not mended but replaced by whoever uses them, so that every connection goes through the guard.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import Any
from urllib.parse import ParseResult, quote, unquote

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.transport import TcpTransport
from nats.js.api import ConsumerConfig, DeliverPolicy

from apps.engine.local.outbound import MayReach
from apps.engine.local.wire_reach import Reach
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.topics import matches
from apps.engine.wires import MESSAGE_ID, MESSAGE_KEY, Wire, WireMessage

CONNECT_SECONDS = 5
API_SECONDS = 5.0
WAIT_SECONDS = 1.0
KNOWN_SECONDS = 30.0  # how long it is believed which stream a subject is in
MOST_KNOWN = 1_000
MOST_AT_ONCE = 100
MOST_WAITING = 1_000  # messages of one subject, and a share of the bytes, that wait to be taken in
MOST_WAITING_BYTES = 16 * 1_048_576
LARGEST_MESSAGE = 8 * 1_048_576
LONGEST_SUBJECT = 500
ACK_SECONDS = 30.0  # after which another consumer gets what one that died had taken
CLOSE_SECONDS = WAIT_SECONDS + 0.5
FORGOTTEN_SECONDS = 7 * 86_400.0  # a durable consumer that nobody uses any more is removed by the server
DEDUPLICATION_HEADER = "Nats-Msg-Id"
TROUBLE = (nats.errors.Error, OSError, TimeoutError)


class _Transport(TcpTransport):
    def __init__(self, client: "_Client", reach: Reach) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._client, self._reach = client, reach

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connect by the guard."""
        async with asyncio.timeout(connect_timeout):
            link = await self._reach.connected(str(uri.hostname), uri.port or 4222)
            try:
                reader, writer = await asyncio.open_connection(sock=link, limit=buffer_size)
            except BaseException:
                link.close()
                raise
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        """Go on in TLS; where that fails the connection is dropped at once, since nothing would tell of its end."""
        try:
            await super().connect_tls(uri, ssl_context, buffer_size, connect_timeout)
        except BaseException:
            plain, self._io_writer = self._io_writer, None
            if plain is not None:
                plain.transport.abort()
            raise

    async def read(self, buffer_size: int) -> bytes:
        """Read on, unless what is being received has no end."""
        if self._client.awaited_bytes() > LARGEST_MESSAGE:
            raise ConnectionError("a message without end")
        found: bytes = await super().read(buffer_size)
        return found


class _Client(Client):
    def __init__(self, reach: Reach, *, is_encrypted: bool) -> None:
        super().__init__()
        self._reach, self._is_encrypted = reach, is_encrypted

    def awaited_bytes(self) -> int:
        """Return how large the message is that is being received, or how much has come that is none yet."""
        return max(int(self._ps.needed), len(self._ps.buf))

    async def drop(self) -> None:
        """Give the connection up, in whatever state it is."""
        try:
            with suppress(*TROUBLE):
                await self.close()
        finally:
            if self._transport:
                self._transport.close()  # type: ignore[no-untyped-call]

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """Demand TLS where it is asked for: a server, or whoever stands before it, does not talk us out of it."""
        if initial_connection and self._is_encrypted:
            if not (info.get("tls_required") or info.get("tls_available")):
                raise nats.errors.Error("nats: the server does not speak TLS")
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)

    async def _connect_to_server(self, s: Any) -> None:
        s.last_attempt = time.monotonic()
        self._transport = _Transport(self, self._reach)
        await self._transport.connect(s.uri, buffer_size=65_536, connect_timeout=CONNECT_SECONDS)


async def _connected(wire: Wire, reach: Reach) -> _Client:
    client = _Client(reach, is_encrypted=wire.is_encrypted)
    scheme = "tls" if wire.is_encrypted else "nats"
    said: list[Exception] = []

    async def remember(problem: Exception) -> None:
        said.append(problem)

    try:
        await client.connect(
            servers=[f"{scheme}://{address}" for address in wire.addresses],
            name="weft",
            error_cb=remember,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=CONNECT_SECONDS,
            user=wire.username or None,
            password=wire.password or None,
            token=wire.token or None,
            tls=ssl.create_default_context() if wire.is_encrypted else None,
        )
    except BaseException as problem:
        await client.drop()
        if not isinstance(problem, TROUBLE):
            raise
        raise reach.failure(said[-1] if said else problem) from problem
    return client


class NatsSender:
    """A connection to publish over; made by `open`."""

    def __init__(self, client: _Client, reach: Reach) -> None:
        self._client, self._reach = client, reach
        self._streams = _Streams(client)

    @classmethod
    async def open(cls, wire: Wire, may_reach: MayReach) -> "NatsSender":
        """Connect; raise `TryAgain` or `StepFailed`."""
        reach = Reach(may_reach)
        return cls(await _connected(wire, reach), reach)

    async def publish(self, message: WireMessage, timeout: float) -> dict[str, Any]:
        """Send one message and wait for the stream's word, or where there is none for the server's."""
        subject = message.topic
        if not is_subject(subject):
            raise StepFailed(f"{subject!r} is no subject of NATS.", code="broker.bad_topic")
        headers = dict(message.headers)
        if MESSAGE_ID in headers:
            headers[DEDUPLICATION_HEADER] = headers[MESSAGE_ID]
        if message.key is not None:
            headers[MESSAGE_KEY] = quote(message.key)
        try:
            async with asyncio.timeout(timeout):
                stream = await self._streams.of(subject)
                if stream:
                    js = self._client.jetstream()
                    kept = await js.publish(subject, message.body, timeout=timeout, headers=headers)
                    return {"topic": subject, "stream": kept.stream, "sequence": kept.seq}
                await self._client.publish(subject, message.body, headers=headers)
                await self._client.flush()
                return {"topic": subject}
        except nats.errors.MaxPayloadError:
            raise StepFailed("The message is larger than NATS takes.", code="broker.refused") from None
        except TROUBLE as problem:
            raise self._reach.failure(problem) from problem

    async def close(self) -> None:
        """Give the connection up."""
        await self._client.drop()


async def check_nats(wire: Wire, may_reach: MayReach, timeout: float) -> None:
    """Return when the server answers."""
    reach = Reach(may_reach)
    try:
        async with asyncio.timeout(timeout):
            client = await _connected(wire, reach)
            try:
                await client.flush()
            finally:
                await client.drop()
    except TROUBLE as problem:
        raise reach.failure(problem) from problem


class _Streams:
    """Which stream a subject is in, looked up now and then."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._known: dict[str, tuple[float, str]] = {}

    async def of(self, subject: str) -> str:
        """Return the stream's name, empty where there is none, or no JetStream at all."""
        now = time.monotonic()
        at, stream = self._known.get(subject, (now - KNOWN_SECONDS, ""))
        if now - at < KNOWN_SECONDS:
            return stream
        try:
            manager = self._client.jsm(timeout=API_SECONDS)
            stream = await manager.find_stream_name_by_subject(subject)
        except (nats.js.errors.NotFoundError, nats.js.errors.ServiceUnavailableError, nats.errors.NoRespondersError):
            stream = ""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[subject] = now, stream
        return stream


@asynccontextmanager
async def nats_line(wire: Wire, topics: Sequence[str], group: str, may_reach: MayReach) -> AsyncIterator["NatsLine"]:
    """Open a consumer: a durable one for each subject that is in a stream, a plain one for each other."""
    reach = Reach(may_reach)
    client = await _connected(wire, reach)
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

    def __init__(self, client: _Client, reach: Reach, subjects: list[str], group: str) -> None:
        self._client, self._reach, self._subjects, self._group = client, reach, subjects, group
        self._came: asyncio.Queue[list[Any]] = asyncio.Queue(1)
        self._unsettled: list[Any] = []
        self._taken: dict[int, Any] = {}  # from streams and not yet settled
        self._is_closing = False
        self._pumps: list[asyncio.Task[None]] = []
        self._streaming: list[asyncio.Task[None]] = []  # those of streams

    async def start(self) -> None:
        """Subscribe to everything."""
        streams = _Streams(self._client)
        for subject in self._subjects:
            stream = await streams.of(subject)
            pump = self._durable(subject, stream) if stream else self._plain(subject)
            task = asyncio.create_task(self._pump(subject, await pump))
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
        """Stop listening, give back what was not settled, so that it need not be waited for, and disconnect."""
        self._is_closing = True
        with suppress(asyncio.QueueEmpty):
            self._came.get_nowait()
        try:
            if self._streaming:
                await asyncio.wait(self._streaming, timeout=CLOSE_SECONDS)  # a stream may be sending at this moment
            await self._give_back()
        finally:
            for pump in self._pumps:
                pump.cancel()
            try:
                await asyncio.gather(*self._pumps, return_exceptions=True)
            finally:
                await self._client.drop()

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

    async def _durable(self, subject: str, stream: str) -> Any:
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.NEW,
            ack_wait=ACK_SECONDS,
            inactive_threshold=FORGOTTEN_SECONDS,
            description=self._group,
        )
        js = self._client.jetstream(timeout=API_SECONDS)
        found = await js.pull_subscribe(subject, durable=_name(self._group, subject), stream=stream, config=config)
        return _Pulling(found)

    async def _plain(self, subject: str) -> Any:
        found = await self._client.subscribe(
            subject,
            queue=_name(self._group, subject),  # of its own: one name over several subjects is one queue
            pending_msgs_limit=MOST_WAITING,
            pending_bytes_limit=MOST_WAITING_BYTES,
        )
        return _Plain(found)

    async def _pump(self, subject: str, source: Any) -> None:
        while not self._is_closing:
            found = await source.next()
            self._taken |= {id(each): each for each in found if each.reply}
            mine = [each for each in found if self._is_first(subject, each.subject)]
            for other in found:
                if other not in mine and other.reply:
                    await other.ack()
                    del self._taken[id(other)]
            if mine:
                await self._came.put(mine)

    def _is_first(self, subject: str, came: str) -> bool:
        return next(each for each in self._subjects if _takes(each, came)) == subject


class _Pulling:
    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription

    async def next(self) -> list[Any]:
        """Return the next messages of the stream, none when none came for a while."""
        try:
            found: list[Any] = await self._subscription.fetch(batch=MOST_AT_ONCE, timeout=WAIT_SECONDS)
        except TimeoutError:
            return []
        return found


class _Plain:
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


def is_subject(topic: str) -> bool:
    """Whether a topic can be published to."""
    parts = topic.split(".")
    return len(topic) <= LONGEST_SUBJECT and all(
        part and part.isprintable() and not any(sign in part for sign in " *>") for part in parts
    )


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
