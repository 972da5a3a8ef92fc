"""The worker's loop: claim what is ready, drive many runs at once, keep leases alive, stop politely (data.md 9).

It claims when the bell rings and every two seconds by itself; Redis may be down. One loop per process, in a thread of
its own.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import redis.asyncio
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from apps.core.changes import listener
from apps.core.jobs import bell
from apps.engine.findings import SecretsRefused
from apps.engine.outcome import TryAgain
from apps.engine.run.decide import MOST_CRASHES
from apps.runs.adapters.group import Unavailable
from apps.runs.adapters.place import Place
from apps.runs.adapters.queue import ClaimedRun, Queue
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.applications import Applications, places_of
from apps.runs.operations.consumers import Consumers
from apps.runs.operations.driving import ClaimGone, Drive
from apps.runs.operations.effects import effect_settle_by_receipt
from apps.runs.operations.lanes import lanes_advance
from apps.runs.operations.poison import run_give_up
from apps.runs.operations.services import services_make
from apps.runs.operations.sweeps import sweep_run, sweeps_late

log = structlog.get_logger(__name__)
POLL_SECONDS = 2.0
HEARTBEAT_SECONDS = 10.0  # leases
SIGN_SECONDS = 2.0  # of life, for `/ready`
SILENT_SECONDS = 10  # after which the last sign is gone from Redis
RELAY_PAUSE_SECONDS = 0.25
TIMER_SECONDS = 1.0  # between two looks at what is due by the clock
CONSUMER_SECONDS = 1.0  # between two looks at who listens to brokers outside
LONGEST_BACKOFF_SECONDS = 30.0
MOST_IN_HAND = 256
CLAIM_AT_ONCE = 64
HEARTBEAT_KEY = "weft:worker:heartbeat"
DATABASE_TROUBLE = (psycopg.Error, OperationalError, InterfaceError, Unavailable, OSError, TryAgain)


class VersionMissing(Exception):
    """A run's version cannot be loaded."""


class WorkerLoop:
    """Everything one worker process does with runs; `run` returns after `stop`, its leases released."""

    def __init__(self, *, most_in_hand: int = MOST_IN_HAND) -> None:
        self._most = most_in_hand
        self._applications = Applications()
        self.services = services_make(self._applications)
        self._queue = Queue(self.services.pools, self.services.owner)
        self._consumers = Consumers(self.services, self.ring)
        self._in_hand: dict[UUID, asyncio.Task[None]] = {}
        self._drives: dict[UUID, Drive] = {}
        self._has_fault = False  # in the present turn: one of ours, not the database's
        self._pauses = 0  # in a row because of faults
        self._bell = asyncio.Event()
        self._relay_bell = asyncio.Event()
        self._stopping = asyncio.Event()
        self._grace = float(settings.DRAIN_SECONDS)

    def ring(self) -> None:
        """Say that there may be work."""
        self._bell.set()
        self._relay_bell.set()

    def _hearer(self) -> Callable[[], None]:
        """What the bell of this process calls, from its own thread; the loop may be closed by then."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.ring)

        return heard

    def stop(self) -> None:
        """Claim no more; finish what is in hand within the grace."""
        self._stopping.set()
        self._bell.set()

    async def run(self) -> None:
        """Work until stopped."""
        listener.start()
        await self.services.start()
        self.services.ledger.on_settled = effect_settle_by_receipt(self.services)
        hearer = self._hearer()
        bell.hear(hearer)
        beside = [
            asyncio.create_task(self._heart(), name="worker-heart"),
            asyncio.create_task(self._sign(), name="worker-sign"),
            asyncio.create_task(self._relay(), name="worker-relay"),
        ]
        ending = [
            asyncio.create_task(self._catch_up(), name="worker-catch-up"),
            asyncio.create_task(self._timer(), name="worker-timer"),
            asyncio.create_task(self._listen(), name="worker-consumers"),
        ]
        try:
            while not self._stopping.is_set():
                await self._turn()
            await self._drain()
        finally:
            bell.unhear(hearer)
            await asyncio.wait(ending, timeout=self._grace)  # their threads would outlive them
            for task in (*beside, *ending):
                task.cancel()
            await asyncio.gather(*beside, *ending, return_exceptions=True)
            with contextlib.suppress(*DATABASE_TROUBLE):
                await self._queue.release()
            await self.services.close()

    async def _turn(self) -> None:
        """Claim as long as there is something, then wait for the bell or the poll."""
        self._bell.clear()
        self._has_fault = False
        found = await self._attempt(lanes_advance(self.services, self._queue, limit=CLAIM_AT_ONCE))
        found += await self._attempt(self._claim())
        if self._has_fault and not found:
            await self._back_off()
            return
        self._pauses = 0
        if not found or len(self._in_hand) >= self._most:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), POLL_SECONDS)

    async def _back_off(self) -> None:
        """Wait, whoever rings, and longer each time."""
        pause = min(POLL_SECONDS * 2**self._pauses, LONGEST_BACKOFF_SECONDS)
        self._pauses = min(self._pauses + 1, 10)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause)

    async def _attempt(self, work: Awaitable[int]) -> int:
        """Do one half of a turn; what goes wrong with it must not keep the other half, or the next turn, from work."""
        try:
            return await work
        except DATABASE_TROUBLE as problem:
            log.warning("worker.database_trouble", problem=type(problem).__name__, detail=str(problem))
        except Exception:
            self._has_fault = True
            log.exception("worker.turn_failed")
        return 0

    async def _claim(self) -> int:
        room = min(self._most - len(self._in_hand), CLAIM_AT_ONCE)
        if room <= 0:
            return 0
        claimed = await self._queue.claim(room)
        for run in claimed:
            self.services.clock.adjust(run.claimed_at)
            hanging = self._in_hand.get(run.id)
            if hanging is not None:
                hanging.cancel("its time is up, and it was claimed anew")
                self._drives.pop(run.id, None)
            task = asyncio.create_task(self._drive(run), name=f"run-{run.id}")
            self._in_hand[run.id] = task
            task.add_done_callback(partial(self._put_down, run.id))
        return len(claimed)

    def _put_down(self, run_id: UUID, task: asyncio.Task[None]) -> None:
        if self._in_hand.get(run_id) is not task:
            return
        del self._in_hand[run_id]
        self._drives.pop(run_id, None)
        if len(self._in_hand) == self._most - 1:
            self._bell.set()

    async def _drive(self, run: ClaimedRun) -> None:
        place: Place | None = None
        try:
            place = await self._applications.of_version(
                run.tenant_id, run.environment_id, run.workflow_id, run.version_id
            )
            if place is None:
                raise VersionMissing(str(run.version_id))
            drive = self._drives[run.id] = Drive(self.services, place, run)
            await drive.go()
            if drive.has_work:
                self._bell.set()
        except ClaimGone:
            log.info("run.late_write_refused", run_id=str(run.id), tenant_id=str(run.tenant_id), epoch=run.epoch)
        except SecretsRefused as refused:  # it goes on when the secrets are set right
            log.warning("run.secrets_refused", run_id=str(run.id), **places_of(refused))
            await self._forgive(run)
        except DATABASE_TROUBLE as problem:
            log.warning("run.left_to_its_lease", run_id=str(run.id), problem=type(problem).__name__)
        except Exception:
            log.exception("run.driver_failed", run_id=str(run.id), crashes=run.crashes)
            await self._give_up_poison(place, run)

    async def _forgive(self, run: ClaimedRun) -> None:
        with contextlib.suppress(*DATABASE_TROUBLE):  # then it counts once
            await self._queue.forgive(run.id)

    async def _give_up_poison(self, place: Place | None, run: ClaimedRun) -> None:
        """End a run that no driver has survived, so that it does not come back with every lease."""
        if run.crashes < MOST_CRASHES:
            return
        try:
            if await run_give_up(self.services, place, run):
                log.error("run.poison", run_id=str(run.id), tenant_id=str(run.tenant_id))
                self._bell.set()
        except DATABASE_TROUBLE as problem:
            log.warning("run.left_to_its_lease", run_id=str(run.id), problem=type(problem).__name__)

    async def _heart(self) -> None:
        while True:
            await self._beat()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _sign(self) -> None:
        """Give signs of life that vanish by themselves, so that no two clocks have to agree."""
        client: Any = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        try:
            while True:
                with contextlib.suppress(redis.RedisError, OSError):
                    await client.set(HEARTBEAT_KEY, str(time.time()), ex=SILENT_SECONDS)
                await asyncio.sleep(SIGN_SECONDS)
        finally:
            with contextlib.suppress(redis.RedisError, OSError):
                await client.aclose()

    async def _beat(self) -> None:
        in_hand = dict(self._in_hand)
        ends: dict[UUID, datetime | None] = dict.fromkeys(in_hand)
        ends |= {run_id: drive.ends_at for run_id, drive in self._drives.items() if run_id in in_hand}
        try:
            held = await self._queue.heartbeat(ends)
            await self.services.measure_clock()
        except DATABASE_TROUBLE as problem:
            log.warning("worker.heart_missed", problem=type(problem).__name__)
            return
        except Exception:
            log.exception("worker.heart_failed")
            return
        for run_id, task in in_hand.items():
            if run_id not in held:
                task.cancel("the lease is gone")

    async def _relay(self) -> None:
        """Empty the outbox when the bell rings, and by itself."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._relay_bell.wait(), POLL_SECONDS)
            self._relay_bell.clear()
            try:
                await in_thread(sweep_run, "outbox")
            except DATABASE_TROUBLE as problem:
                log.warning("worker.relay_missed", problem=type(problem).__name__)
            except Exception:
                log.exception("worker.relay_failed")
            await asyncio.sleep(RELAY_PAUSE_SECONDS)

    async def _timer(self) -> None:
        """Fire what is due by the clock, whether or not beat and Redis are there."""
        while not self._stopping.is_set():
            try:
                counts = await in_thread(sweep_run, "schedules")
                if counts and counts["fired"]:
                    self._bell.set()
                    continue
            except DATABASE_TROUBLE as problem:
                log.warning("worker.timer_missed", problem=type(problem).__name__)
            except Exception:
                log.exception("worker.timer_failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TIMER_SECONDS)

    async def _listen(self) -> None:
        """Have consumers of brokers outside wherever nobody else has, until stopped."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._consumers.beat()
                except DATABASE_TROUBLE as problem:
                    log.warning("worker.consumers_missed", problem=type(problem).__name__)
                except Exception:
                    log.exception("worker.consumers_failed")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), CONSUMER_SECONDS)
        finally:
            with contextlib.suppress(*DATABASE_TROUBLE):
                await self._consumers.close()

    async def _catch_up(self) -> None:
        """Run the sweeps that are late, once, as soon as the database answers."""
        while not self._stopping.is_set():
            try:
                for name in await in_thread(sweeps_late):
                    if not self._stopping.is_set():
                        await in_thread(sweep_run, name)
            except DATABASE_TROUBLE as problem:
                log.warning("worker.sweeps_missed", problem=type(problem).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), POLL_SECONDS)
            else:
                return

    async def _drain(self) -> None:
        tasks = list(self._in_hand.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._grace)
        for task in late:
            task.cancel("shutting down")
        await asyncio.gather(*late, return_exceptions=True)
