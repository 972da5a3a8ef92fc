"""Group commit: one transaction for everything that arrived while others were committing.

A second group is begun beside the first once enough has arrived for it: while one is being committed the process
answers those of the other. Smaller ones wait, because a group costs much the same whatever its size.

The law is data.md 5: a failed group is tried again per tenant and then row by row, so that only the caller of the bad
row gets the error; a commit whose outcome is unknown is sent again, which is harmless because ids come from callers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import psycopg
import structlog

log = structlog.get_logger(__name__)

Item = TypeVar("Item")

RESEND_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0, 2.0, 2.0)
PASSING_CLASSES = ("08", "40", "57")  # connection, rolled back by the server, operator: not the rows' fault
MOST_BYTES = 8 * 1024 * 1024  # of one group
IDLE_TIMEOUT = "25P03"
LEAST_BESIDE = 8  # items for a group beside another


class Unavailable(Exception):
    """The database did not take the group in time; nothing is known to be stored."""


class GroupCommitter(Generic[Item]):
    """Collects items and hands them to `execute` in groups, at most `width` of them at a time.

    `execute(items)` commits all of them or raises, and returns one result per item.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[Item]], Awaitable[Sequence[Any]]],
        tenant_of: Callable[[Item], UUID],
        *,
        name: str,
        group: int = 1000,
        queue: int = 10_000,
        width: int = 1,
        size_of: Callable[[Item], int] | None = None,
    ) -> None:
        self._execute = execute
        self._tenant_of = tenant_of
        self.name = name
        self._group = group
        self._queue = queue
        self._width = width
        self._size_of = size_of
        self._waiting: deque[tuple[Item, asyncio.Future[Any] | None]] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._closing = False
        self.groups = 0
        self.items = 0

    def start(self) -> None:
        """Begin committing, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._loop(), name=f"group-{self.name}")

    @property
    def backlog(self) -> int:
        """How many items wait for a commit."""
        return len(self._waiting)

    def put(self, item: Item) -> "asyncio.Future[Any]":
        """Add an item; what is returned has its result after its commit."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._may_begin:
            self._wake.set()
        return future

    async def offer(self, item: Item) -> None:
        """Add an item without waiting for its commit; wait for room when the queue is full."""
        while len(self._waiting) >= self._queue:
            self._room.clear()
            await self._room.wait()
        self._waiting.append((item, None))
        if self._may_begin:
            self._wake.set()

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await asyncio.gather(*self._under_way)

    @property
    def _may_begin(self) -> bool:
        """Whether what waits is to be committed now."""
        under_way = len(self._under_way)
        least = LEAST_BESIDE if under_way and not self._closing else 1
        return under_way < self._width and len(self._waiting) >= least

    async def _loop(self) -> None:
        while self._waiting or not self._closing:
            if not self._may_begin:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._next()
            self._room.set()
            self.groups += 1
            self.items += len(batch)
            task = asyncio.create_task(self._commit(batch), name=f"group-{self.name}-{self.groups}")
            self._under_way.add(task)
            task.add_done_callback(self._committed)

    def _committed(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake.set()

    def _next(self) -> list[tuple[Item, asyncio.Future[Any] | None]]:
        """Take what waits, up to a number of items and of bytes."""
        batch, size = [self._waiting.popleft()], 0
        while self._waiting and len(batch) < self._group:
            if self._size_of is not None:
                size += self._size_of(batch[-1][0])
                if size > MOST_BYTES:
                    break
            batch.append(self._waiting.popleft())
        return batch

    async def _commit(self, batch: list[tuple[Item, asyncio.Future[Any] | None]]) -> None:
        try:
            results = await self._send([item for item, _ in batch])
        except psycopg.Error as error:
            await self._isolate(batch, error)
        except Exception as error:
            _fail(batch, error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if future is not None and not future.done():
                    future.set_result(result)

    async def _send(self, items: list[Item]) -> Sequence[Any]:
        for pause in (*RESEND_PAUSES, None):
            try:
                return await self._execute(items)
            except (psycopg.Error, OSError) as error:
                if not is_passing(error):
                    raise
                if pause is None:
                    raise Unavailable(str(error)) from error
                log.warning("group.resent", committer=self.name, items=len(items), error=str(error))
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _isolate(self, batch: list[tuple[Item, asyncio.Future[Any] | None]], error: Exception) -> None:
        if len(batch) == 1:
            log.error("group.row_refused", committer=self.name, error=str(error))
            _fail(batch, error)
            return
        by_tenant: dict[UUID, list[tuple[Item, asyncio.Future[Any] | None]]] = {}
        for entry in batch:
            by_tenant.setdefault(self._tenant_of(entry[0]), []).append(entry)
        parts = list(by_tenant.values()) if len(by_tenant) > 1 else [[entry] for entry in batch]
        for part in parts:
            await self._commit(part)


def is_passing(error: BaseException) -> bool:
    """Whether an error is the connection's or the server's, so that the same rows may be sent again."""
    if isinstance(error, psycopg.Error):
        code = error.sqlstate
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and (
            code is None or code[:2] in PASSING_CLASSES or code == IDLE_TIMEOUT
        )
    return isinstance(error, OSError)


def _fail(batch: list[tuple[Any, asyncio.Future[Any] | None]], error: Exception) -> None:
    for _, future in batch:
        if future is not None and not future.done():
            future.set_exception(error)
