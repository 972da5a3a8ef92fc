"""Who watches what in this process: one Redis subscription, an in-process hub, each frame encoded once.

Hints from Redis only say that something is new; what it is comes from `read`, once per stream, whoever watches. A hub
also looks by itself every two seconds, so that a dead Redis costs promptness and no event.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

import orjson
import redis.asyncio
import structlog

from apps.runs.adapters.live import CHANNEL, channel_of
from apps.runs.adapters.tasks import end_tasks

log = structlog.get_logger(__name__)
LOOK_SECONDS = 2.0
MORE_SECONDS = 0.25  # at most four "there is more" a second
LIST = "runs"

Read = Callable[[UUID, UUID, int], Awaitable[Sequence[dict[str, Any]]]]  # tenant, run, after -> events in order
Newest = Callable[[UUID], Awaitable[UUID | None]]


class Watcher(Protocol):
    """One open socket."""

    async def send_frame(self, frame: str) -> None:
        """Send encoded text."""


class Stream:
    """One run's story and who follows it, each from a number of their own."""

    def __init__(self, tenant_id: UUID, run_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.run_id = run_id
        self.name = f"run:{run_id}"
        self.seen: dict[Watcher, int] = {}
        self._lock = asyncio.Lock()

    async def advance(self, read: Read) -> None:
        """Send everybody what they have not seen; calls wait for one another, so that nothing goes out twice."""
        async with self._lock:
            if not self.seen:
                return
            for event in await read(self.tenant_id, self.run_id, min(self.seen.values())):
                number = event["sequence"]
                frame = orjson.dumps({"type": "event", "stream": self.name, **event}).decode()
                for watcher in [each for each, last in self.seen.items() if last < number]:
                    self.seen[watcher] = number
                    await watcher.send_frame(frame)


class Hub:
    """All watchers of one process and event loop."""

    def __init__(self, redis_url: str, read: Read, newest: Newest) -> None:
        self._url = redis_url
        self._read = read
        self._newest = newest
        self._streams: dict[tuple[UUID, UUID], Stream] = {}
        self._lists: dict[UUID, set[Watcher]] = {}
        self._known: dict[UUID, UUID | None] = {}
        self._more: dict[UUID, asyncio.Task[None]] = {}
        self._more_again: set[UUID] = set()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen and to look, in the running loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._look())]

    async def close(self) -> None:
        """Stop."""
        await end_tasks([*self._tasks, *self._more.values()])

    @property
    def is_idle(self) -> bool:
        """Whether nobody watches anything."""
        return not self._streams and not self._lists

    async def follow(self, watcher: Watcher, tenant_id: UUID, run_id: UUID, after: int) -> None:
        """Send `watcher` the events of a run behind number `after`, now and as they come."""
        stream = self._streams.setdefault((tenant_id, run_id), Stream(tenant_id, run_id))
        stream.seen[watcher] = after
        self._changed.set()
        await stream.advance(self._read)

    async def follow_list(self, watcher: Watcher, tenant_id: UUID) -> None:
        """Tell `watcher` when the tenant has more runs."""
        self._known[tenant_id] = await self._newest(tenant_id)
        self._lists.setdefault(tenant_id, set()).add(watcher)
        self._changed.set()

    def leave(self, watcher: Watcher, tenant_id: UUID, run_id: UUID | None = None) -> None:
        """Stop following one run, or the list."""
        if run_id is None:
            self._lists.get(tenant_id, set()).discard(watcher)
            if not self._lists.get(tenant_id):
                self._lists.pop(tenant_id, None)
            return
        stream = self._streams.get((tenant_id, run_id))
        if stream is not None:
            stream.seen.pop(watcher, None)
            if not stream.seen:
                del self._streams[tenant_id, run_id]

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for stream in list(self._streams.values()):
                await self._advance(stream)
            for tenant_id in list(self._lists):
                with contextlib.suppress(Exception):
                    newest = await self._newest(tenant_id)
                    if newest != self._known.get(tenant_id):
                        self._known[tenant_id] = newest
                        self._tell_list(tenant_id)

    async def _advance(self, stream: Stream) -> None:
        try:
            await stream.advance(self._read)
        except Exception as problem:
            log.warning("hub.stream_trouble", stream=stream.name, problem=repr(problem)[:200])

    def _tell_list(self, tenant_id: UUID) -> None:
        """Tell the list's watchers now, or when the pause after the last time is over: the last change counts."""
        if tenant_id in self._more:
            self._more_again.add(tenant_id)
            return
        task = asyncio.get_running_loop().create_task(self._send_more(tenant_id))
        self._more[tenant_id] = task

    async def _send_more(self, tenant_id: UUID) -> None:
        frame = orjson.dumps({"type": "more", "stream": LIST}).decode()
        is_wanted = True
        while is_wanted:
            self._more_again.discard(tenant_id)
            for watcher in list(self._lists.get(tenant_id, ())):
                with contextlib.suppress(Exception):
                    await watcher.send_frame(frame)
            await asyncio.sleep(MORE_SECONDS)
            is_wanted = tenant_id in self._more_again
        self._more.pop(tenant_id, None)

    def _tenants(self) -> set[UUID]:
        return {tenant_id for tenant_id, _ in self._streams} | set(self._lists)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (redis.RedisError, OSError) as problem:
                log.warning("hub.redis_lost", problem=type(problem).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def _listen_once(self) -> None:
        client: Any = redis.asyncio.Redis.from_url(self._url)
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as channels:
                joined: set[UUID] = set()
                while True:
                    joined = await self._join(channels, joined)
                    if not joined:
                        await self._changed.wait()
                    elif (message := await channels.get_message(timeout=0.5)) is not None:
                        await self._hear(message)
        finally:
            await client.aclose()

    async def _join(self, channels: Any, joined: set[UUID]) -> set[UUID]:
        if not self._changed.is_set() and joined:
            return joined
        self._changed.clear()
        wanted = self._tenants()
        if wanted - joined:
            await channels.subscribe(*(channel_of(tenant_id) for tenant_id in wanted - joined))
        if joined - wanted:
            await channels.unsubscribe(*(channel_of(tenant_id) for tenant_id in joined - wanted))
        return wanted

    async def _hear(self, message: dict[str, Any]) -> None:
        try:
            tenant_id = UUID(message["channel"].decode().removeprefix(CHANNEL))
            runs = [UUID(run_id) for run_id in orjson.loads(message["data"])["runs"]]
        except (ValueError, KeyError, TypeError):
            return
        for run_id in runs:
            stream = self._streams.get((tenant_id, run_id))
            if stream is not None:
                await self._advance(stream)
        if tenant_id in self._lists:
            self._tell_list(tenant_id)
