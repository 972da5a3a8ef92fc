"""A consumer of one broker outside, for both hosts: receive, keep, and only then tell the broker.

It goes on until it is cancelled. Whatever goes wrong, with the broker or with keeping, ends the line; what was not kept
is delivered again on the next one, which is opened after a pause that doubles.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from apps.engine.feeds import Arrival, Feed
from apps.engine.module import Context
from apps.engine.wires import WireLine, Wires

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


class Keeper(Protocol):
    """The host's side of a consumer."""

    group: str  # where the document names none

    @property
    def wires(self) -> Wires:
        """Return the way out."""

    def context(self) -> Context:
        """Return what secrets are looked up with."""

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Make messages durable, each once whatever is delivered again; raise when they are not."""

    def say(self, problem: Exception | None) -> None:
        """Take notice that the line is broken, or with None that it is open."""


async def consume(feed: Feed, keeper: Keeper, pausing: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Take in what a feed's broker has, for ever."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            wire = await feed.broker.wire(keeper.context())
            async with keeper.wires.listen(wire, feed.topics, group=feed.broker.group(keeper.group)) as line:
                keeper.say(None)
                while True:
                    await _once(feed, keeper, line)
                    pause = FIRST_PAUSE_SECONDS
        except Exception as problem:
            keeper.say(problem)
        await pausing(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _once(feed: Feed, keeper: Keeper, line: WireLine) -> None:
    received = await line.receive()
    if received:
        await keeper.keep(await feed.arrivals(received, keeper.context()))
        await line.settle()
