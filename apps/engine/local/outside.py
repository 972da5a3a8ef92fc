"""The machine around `wfctl run`: its clock, its environment, its network."""

import os
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx2

from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply

LARGEST_REPLY = 10 * 1_048_576


class SystemClock:
    """The machine's time and chance."""

    def __init__(self) -> None:
        self._chance = random.SystemRandom()

    def now(self) -> datetime:
        """Return the time, aware, UTC."""
        return datetime.now(UTC)

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._chance.random()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()


class EnvironmentSecrets:
    """`${NAME}` is the environment variable NAME."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    async def get(self, name: str) -> str:
        """Return the value; raise `StepFailed` code `secret.missing`."""
        value = self._environment.get(name)
        if value is None:
            raise StepFailed(f"The environment variable {name} is not set.", code="secret.missing")
        return value


class OutboundHttp:
    """One client for everything that leaves. Redirects are not followed; bodies are capped."""

    def __init__(self, largest: int = LARGEST_REPLY, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._largest = largest
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 30.0,
    ) -> HttpReply:
        """Do one exchange; raise `TryAgain` when the other side cannot be reached or is too slow."""
        if self._client is None:
            self._client = httpx2.AsyncClient(transport=self._transport, trust_env=False)
        try:
            async with self._client.stream(
                method, url, headers=dict(headers or {}), content=body, timeout=timeout
            ) as reply:
                return HttpReply(reply.status_code, dict(reply.headers), await self._body(reply))
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise StepFailed(f"{url} is not an address: {error}", code="http.bad_address") from None
        except httpx2.HTTPError as error:
            raise TryAgain(f"{method} {url}: {error or type(error).__name__}", code="http.unreachable") from None

    async def _body(self, reply: httpx2.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in reply.aiter_bytes():
            size += len(part)
            if size > self._largest:
                raise StepFailed(f"The answer is larger than {self._largest} bytes.", code="http.too_large")
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
