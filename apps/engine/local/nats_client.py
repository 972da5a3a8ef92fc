"""A connection to NATS through the guard, and what it is asked of streams.

Connections are not mended but replaced by whoever uses them, so that every connection goes through the guard.
"""

import asyncio
import ssl
import time
from contextlib import suppress
from typing import Any
from urllib.parse import ParseResult

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.transport import TcpTransport

from apps.engine.local.wire_reach import Reach
from apps.engine.wires import Wire

CONNECT_SECONDS = 5
API_SECONDS = 5.0
KNOWN_SECONDS = 30.0  # how long it is believed which stream a subject is in
MOST_KNOWN = 1_000
LARGEST_MESSAGE = 8 * 1_048_576
TROUBLE = (nats.errors.Error, OSError, TimeoutError)


class _Transport(TcpTransport):
    def __init__(self, client: "NatsClient", reach: Reach) -> None:
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


class NatsClient(Client):
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


async def connected(wire: Wire, reach: Reach) -> NatsClient:
    client = NatsClient(reach, is_encrypted=wire.is_encrypted)
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


class Streams:
    """Which stream a subject is in, looked up now and then."""

    def __init__(self, client: NatsClient) -> None:
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
