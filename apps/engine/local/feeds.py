"""What `wfctl run` takes in from brokers outside: a consumer for each feed of each scope."""

import asyncio
import logging
from typing import TYPE_CHECKING

from apps.engine.application import Application
from apps.engine.feeds import Arrival, Feed, refused_run
from apps.engine.ids import uuid7
from apps.engine.local.consuming import consume
from apps.engine.local.message import Message
from apps.engine.local.store import write_time
from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.private_topics import own_topic
from apps.engine.wires import Wires

if TYPE_CHECKING:
    from apps.engine.local.host import LocalHost

_SEEN = "insert or ignore into arrival (scope, identity, at) values (?, ?, ?)"
log = logging.getLogger(__name__)


class LocalFeeds:
    """The consumers of a host; they run between `start` and `close`."""

    def __init__(self, host: "LocalHost") -> None:
        self._host = host
        self._is_running = False
        self._feeds: dict[str, tuple[Feed, ...]] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    def follow(self, scope: str, application: Application) -> None:
        """Take over an application's feeds; consumers of the one before end."""
        self._feeds[scope] = application.feeds
        if self._is_running:
            self._begin(scope)

    def start(self) -> None:
        """Begin to listen, in the running loop."""
        self._is_running = True
        for scope in self._feeds:
            self._begin(scope)

    async def close(self) -> None:
        """End all consumers."""
        self._is_running = False
        tasks = [task for tasks in self._tasks.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    def _begin(self, scope: str) -> None:
        before = self._tasks.pop(scope, [])
        for task in before:
            task.cancel()
        self._tasks[scope] = [
            asyncio.get_running_loop().create_task(self._follow(feed, scope, before)) for feed in self._feeds[scope]
        ]

    async def _follow(self, feed: Feed, scope: str, before: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*before, return_exceptions=True)
        await consume(feed, _Keeper(self._host, feed, scope))


class _Keeper:
    """Writes what arrives into the host's file."""

    def __init__(self, host: "LocalHost", feed: Feed, scope: str) -> None:
        self._host, self._feed, self._scope = host, feed, scope
        self.group = f"weft-{scope}-{feed.name}"

    @property
    def wires(self) -> Wires:
        """Return the host's way out."""
        return self._host.wires

    def context(self) -> Context:
        """Return a context of a unit that nothing is written through."""
        return Context(self._host.new_unit(self._scope), run_id=uuid7())

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Deliver each message once, all in one transaction."""
        with self._host.store.transaction():
            for each in arrivals:
                if self._is_new(each):
                    self._deliver(each)
        self._host.ring()

    def say(self, problem: Exception | None) -> None:
        """Log it; a fault of ours with its trace."""
        if problem is None:
            log.info("listening to %s", self._feed.name)
        elif isinstance(problem, TryAgain | StepFailed):
            log.warning("%s: %s", self._feed.name, problem)
        else:
            log.error("%s: the consumer failed", self._feed.name, exc_info=problem)

    def _is_new(self, arrival: Arrival) -> bool:
        if not arrival.identity:
            return True
        values = (self._scope, f"{self._feed.name} {arrival.identity}", write_time(self._host.clock.now()))
        return self._host.store.run(_SEEN, values) == 1

    def _deliver(self, arrival: Arrival) -> None:
        if arrival.refusal is None:
            message = Message.new(arrival.topic, arrival.payload, key=arrival.key, headers=arrival.way.headers())
            self._host.queue.deliver(self._scope, message)
            return
        run = refused_run(self._feed.name, own_topic(arrival.topic), arrival.refusal)
        self._host.queue.accept(self._scope, uuid7(), run)
