"""Hints for whoever watches: "run R of tenant T has reached change n". No payloads, nothing is lost when one is.

A hint goes over one Redis channel per tenant; watchers read what is new from the database. Hints are gathered for a
moment, so that a busy tenant costs a few publishes a second and not one per step.
"""

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import orjson
import redis.asyncio
import structlog

from apps.runs.adapters.tasks import end_tasks

log = structlog.get_logger(__name__)
CHANNEL = "weft:live:"
GATHER_SECONDS = 0.05
MOST_RUNS = 500


def channel_of(tenant_id: UUID) -> str:
    """Return the channel that a tenant's hints go over."""
    return f"{CHANNEL}{tenant_id}"


def hint(runs: dict[str, int]) -> bytes:
    """Return the text of a hint: runs with the numbers of their latest changes; empty for "there are new runs"."""
    return orjson.dumps({"runs": runs})


class LiveHints:
    """Gathers hints and publishes them; a dead Redis costs watchers their promptness and nothing else."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._runs: dict[UUID, dict[str, int]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin publishing, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._loop(), name="live-hints")

    async def close(self) -> None:
        """Stop; hints not yet published are dropped."""
        if self._task is not None:
            await end_tasks([self._task])

    def tell(self, tenant_id: UUID, run_id: UUID, sequence: int) -> None:
        """Say that a run has reached a change."""
        runs = self._runs.setdefault(tenant_id, {})
        if len(runs) < MOST_RUNS:
            runs[str(run_id)] = sequence
        self._wake.set()

    def tell_list(self, tenant_id: UUID) -> None:
        """Say that a tenant has new runs, without naming them."""
        if tenant_id not in self._runs:
            self._runs[tenant_id] = {}
            self._wake.set()

    async def _loop(self) -> None:
        client: Any = redis.asyncio.Redis.from_url(self._url, socket_timeout=2, socket_connect_timeout=2)
        try:
            while True:
                await self._wake.wait()
                await asyncio.sleep(GATHER_SECONDS)
                self._wake.clear()
                gathered, self._runs = self._runs, {}
                await self._publish(client, gathered)
        finally:
            with contextlib.suppress(redis.RedisError, OSError):
                await client.aclose()

    async def _publish(self, client: Any, gathered: dict[UUID, dict[str, int]]) -> None:
        try:
            for tenant_id, runs in gathered.items():
                await client.publish(channel_of(tenant_id), hint(runs))
        except (redis.RedisError, OSError) as problem:
            log.warning("live.unheard", problem=type(problem).__name__)
            await asyncio.sleep(1)
