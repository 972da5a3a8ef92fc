"""HTTP to the outside over real connections: the `Http` port without a policy of its own.

Whoever makes a client says which addresses it may reach. A name is resolved once, every address it has is checked, and
the connection goes to a checked address, so that a second look-up cannot answer differently. Redirects are checked
again; credentials do not follow to another host. Bodies arrive as they were sent: nothing is decoded.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore2

from apps.engine.addresses import Address, is_public
from apps.engine.local.open_answer import MISHAPS, OpenAnswer, lines_of, too_large, unreachable
from apps.engine.outcome import StepFailed
from apps.engine.ports import HttpReply, OpenReply

MOST_REDIRECTS = 5
MOST_CONNECTIONS = 200
MOST_OPEN = 500  # connections of answers that are read as they come: these may last, and nothing else waits for them
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BECOMES_GET = frozenset({301, 302, 303})
CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
DEFAULT_PORTS = {"http": 80, "https": 443}

MayReach = Callable[[str, int, Address], bool]  # host, port, one of the host's addresses


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Resolves, checks and connects; TLS is still done for the name."""

    def __init__(self, may_reach: MayReach) -> None:
        self._may_reach = may_reach
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers, after all of them were found harmless."""
        problem: Exception | None = None
        for address in await self._addresses(host, port):
            try:
                return await self._inner.connect_tcp(str(address), port, *args, **options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
        raise problem or httpcore2.ConnectError(f"{host} has no address")

    async def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        """Refuse: nothing outside is reached by a file."""
        raise StepFailed("Sockets in files are not reached.", code="http.forbidden_target")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the pool asks when it retries."""
        await self._inner.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host}: {error}") from None
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not all(self._may_reach(host, port, address) for address in addresses):
            raise StepFailed(f"{host} is a private address.", code="http.forbidden_target")
        return addresses


@dataclass(frozen=True, slots=True)
class _Asked:
    """One exchange to do; `host` is what the other side is told it is called, empty for the URL's own."""

    method: str
    url: SplitResult
    headers: dict[str, str]
    body: bytes
    host: str

    @property
    def lines(self) -> list[tuple[bytes, bytes]]:
        """The headers as they are sent."""
        name = self.host or self.url.netloc
        sent = [(b"host", name.encode("ascii" if name.isascii() else "idna"))]
        sent += [(name.encode("latin-1"), value.encode("utf-8")) for name, value in self.headers.items()]
        if self.body or self.method in {"POST", "PUT", "PATCH"}:
            sent.append((b"content-length", str(len(self.body)).encode()))
        return sent

    def redirected(self, status: int, target: SplitResult) -> "_Asked":
        """Return the exchange that a redirect asks for."""
        method, body, headers, host = self.method, self.body, self.headers, self.host
        if _origin(target) != _origin(self.url):
            headers = {name: value for name, value in headers.items() if name not in CREDENTIALS}
            host = ""
        if status in BECOMES_GET and method not in {"GET", "HEAD"}:
            method, body = "GET", b""
        return _Asked(method, target, headers, body, host)


class HttpClient:
    """The `Http` port; keeps its connections, so one belongs to one event loop.

    `public_only` calls have connections of their own: one that was opened to a private target is never used for them.
    """

    def __init__(self, may_reach: MayReach, *, largest: int) -> None:
        self._largest = largest
        self._pools = (_pool(may_reach), _pool(lambda host, port, address: is_public(address)))
        self._lasting = _pool(may_reach, MOST_OPEN)

    async def close(self) -> None:
        """Close all connections."""
        for pool in (*self._pools, self._lasting):
            await pool.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
        redirects: bool = True,
        public_only: bool = False,
        host: str = "",
    ) -> HttpReply:
        """Do one exchange, redirects included, in `timeout` seconds in all."""
        asked = _asked(method, url, headers, body, host)
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(self._pools[public_only], asked, MOST_REDIRECTS if redirects else 0)
        except MISHAPS as error:
            raise unreachable(error, timeout) from None

    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
        host: str = "",
    ) -> OpenReply:
        """Begin one exchange; its time ends when the headers are there, or when the whole body was asked for."""
        asked = _asked(method, url, headers, body, host)
        ends = asyncio.get_running_loop().time() + timeout
        try:
            async with asyncio.timeout_at(ends):
                answer = await self._lasting.handle_async_request(
                    httpcore2.Request(asked.method, asked.url.geturl(), headers=asked.lines, content=asked.body or None)
                )
        except MISHAPS as error:
            raise unreachable(error, timeout) from None
        return OpenAnswer(answer, ends, timeout, self._largest)

    async def _follow(self, pool: httpcore2.AsyncConnectionPool, asked: _Asked, most: int) -> HttpReply:
        for _ in range(most + 1):
            reply = await self._exchange(pool, asked)
            location = reply.headers.get("location")
            if not most or reply.status not in REDIRECTS or not location:
                return reply
            asked = asked.redirected(reply.status, _checked(urljoin(asked.url.geturl(), location)))
        raise StepFailed(f"More than {most} redirects.", code="http.too_many_redirects")

    async def _exchange(self, pool: httpcore2.AsyncConnectionPool, asked: _Asked) -> HttpReply:
        content = asked.body or None
        async with pool.stream(asked.method, asked.url.geturl(), headers=asked.lines, content=content) as answer:
            received = bytearray()
            async for chunk in answer.aiter_stream():
                received += chunk
                if len(received) > self._largest:
                    raise too_large(self._largest)
            lines = lines_of(answer)
            return HttpReply(answer.status, dict(lines), bytes(received), lines)


def _pool(may_reach: MayReach, most: int = MOST_CONNECTIONS) -> httpcore2.AsyncConnectionPool:
    return httpcore2.AsyncConnectionPool(
        network_backend=_Guarded(may_reach),
        max_connections=most,
        max_keepalive_connections=50,
        keepalive_expiry=15.0,
    )


def _asked(method: str, url: str, headers: Mapping[str, str] | None, body: bytes, host: str) -> _Asked:
    sent = {name.lower(): value for name, value in (headers or {}).items() if name.lower() not in OURS}
    return _Asked(method.upper(), _checked(url), sent, body, host)


def _checked(url: str) -> SplitResult:
    """Return the parts of a URL that may be asked for; raise `StepFailed` for any other."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise StepFailed(f"Not a URL: {error}.", code="http.bad_url") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0:
        raise StepFailed("The URL must be http or https with a host.", code="http.bad_url")
    if parts.username is not None or parts.password is not None:
        raise StepFailed("The URL carries credentials; send them in a header.", code="http.bad_url")
    return parts._replace(fragment="")


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, str(parts.hostname), parts.port or DEFAULT_PORTS[parts.scheme]
