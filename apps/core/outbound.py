"""The one way out of the product: HTTP that cannot be turned against the product's own network.

A name is resolved once, every address it has is checked, and the connection goes to a checked address, so that a second
look-up cannot answer differently. Redirects are followed and checked again; credentials do not follow to another host.
Private targets need an entry in `OUTBOUND_ALLOW`: a host, host:port, address or network.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore2
from django.conf import settings

from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_REDIRECTS = 5
LARGEST_REPLY = 5 * 1024 * 1024
MOST_CONNECTIONS = 200
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BECOMES_GET = frozenset({301, 302, 303})
CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
DEFAULT_PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AllowList:
    """Which private targets may be reached."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def names(self, host: str, port: int) -> bool:
        """Say whether the host, or host and port, are listed."""
        return host.lower() in self._names or f"{host.lower()}:{port}" in self._names

    def holds(self, address: Address) -> bool:
        """Say whether the address lies in a listed network."""
        return any(address.version == network.version and address in network for network in self._networks)


def is_public(address: Address) -> bool:
    """Say whether an address is out in the world; addresses that wrap another are judged by the one inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Resolves, checks and connects; TLS is still done for the name."""

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow
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
        for address in addresses:
            allowed = self._allow.names(host, port) or self._allow.holds(address)
            if not is_public(address) and not allowed:
                raise StepFailed(f"{host} is a private address.", code="http.forbidden_target")
        return addresses


class Outbound:
    """The `Http` port of the hosted product; keeps its connections, so one belongs to one event loop."""

    def __init__(self, allow: Iterable[str] | None = None) -> None:
        allowed = AllowList(settings.OUTBOUND_ALLOW if allow is None else allow)
        self._pool = httpcore2.AsyncConnectionPool(
            network_backend=_Guarded(allowed),
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=50,
            keepalive_expiry=15.0,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
    ) -> HttpReply:
        """Do one exchange, redirects included, in `timeout` seconds in all."""
        sent = {name.lower(): value for name, value in (headers or {}).items() if name.lower() not in OURS}
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(method.upper(), _checked(url), sent, body)
        except TimeoutError:
            raise TryAgain(f"No answer within {timeout:g} s.", code="http.unreachable") from None
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
            raise TryAgain(f"{type(error).__name__}: {error}", code="http.unreachable") from None

    async def _follow(self, method: str, url: SplitResult, headers: dict[str, str], body: bytes) -> HttpReply:
        for _ in range(MOST_REDIRECTS + 1):
            reply = await self._exchange(method, url, headers, body)
            location = reply.headers.get("location")
            if reply.status not in REDIRECTS or not location:
                return reply
            target = _checked(urljoin(url.geturl(), location))
            if _origin(target) != _origin(url):
                headers = {name: value for name, value in headers.items() if name not in CREDENTIALS}
            if reply.status in BECOMES_GET and method not in {"GET", "HEAD"}:
                method, body = "GET", b""
            url = target
        raise StepFailed(f"More than {MOST_REDIRECTS} redirects.", code="http.too_many_redirects")

    async def _exchange(self, method: str, url: SplitResult, headers: dict[str, str], body: bytes) -> HttpReply:
        sent = [(b"host", url.netloc.encode("idna" if not url.netloc.isascii() else "ascii"))]
        sent += [(name.encode("latin-1"), value.encode("utf-8")) for name, value in headers.items()]
        if body or method in {"POST", "PUT", "PATCH"}:
            sent.append((b"content-length", str(len(body)).encode()))
        async with self._pool.stream(method, url.geturl(), headers=sent, content=body or None) as answer:
            content = bytearray()
            async for chunk in answer.aiter_stream():
                content += chunk
                if len(content) > LARGEST_REPLY:
                    raise StepFailed(f"The reply is larger than {LARGEST_REPLY} bytes.", code="http.reply_too_large")
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            return HttpReply(answer.status, found, bytes(content))


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
