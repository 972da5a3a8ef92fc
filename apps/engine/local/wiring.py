"""The `Wires` port over real connections, for both hosts; whoever makes it says which addresses may be reached."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol

from apps.engine.local.kafka_wire import KafkaSender, check_kafka, kafka_line
from apps.engine.local.nats_line import nats_line
from apps.engine.local.nats_wire import NatsSender, check_nats
from apps.engine.local.outbound import MayReach
from apps.engine.local.wire_reach import FORBIDDEN
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.wires import KAFKA, Wire, WireLine, WireMessage

MOST_OPEN = 64  # connections to publish over, of all tenants; the one that was used least lately is closed first
CLOSE_SECONDS = 5.0


class Sender(Protocol):
    """An open connection to publish over."""

    async def publish(self, message: WireMessage, timeout: float) -> dict[str, Any]:
        """Send one message; return where it stands."""

    async def close(self) -> None:
        """Give the connection up."""


class LiveWires:
    """The `Wires` port; it keeps connections, so one belongs to one event loop."""

    def __init__(self, may_reach: MayReach) -> None:
        self._may_reach = may_reach
        self._open: OrderedDict[Wire, asyncio.Task[Sender]] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    async def publish(self, wire: Wire, message: WireMessage, *, timeout: float = 30.0) -> dict[str, Any]:
        """Send one message over a connection that is kept for the next one; one that fails is replaced."""
        opening = self._opening(wire)
        try:
            async with asyncio.timeout(timeout):
                sender = await asyncio.shield(opening)
            return await sender.publish(message, timeout)
        except TimeoutError:
            self._give_up(wire, opening)
            raise TryAgain(f"The broker did not answer within {timeout:g} s.", code="broker.unreachable") from None
        except TryAgain:
            self._give_up(wire, opening)
            raise
        except StepFailed as refusal:
            if refusal.code == FORBIDDEN:
                self._give_up(wire, opening)
            raise

    async def check(self, wire: Wire, *, timeout: float = 5.0) -> None:
        """Return when the broker answers."""
        checking = check_kafka if wire.kind == KAFKA else check_nats
        await checking(wire, self._may_reach, timeout)

    def listen(self, wire: Wire, topics: Sequence[str], *, group: str) -> AbstractAsyncContextManager[WireLine]:
        """Open a line of its own."""
        line = kafka_line if wire.kind == KAFKA else nats_line
        return line(wire, topics, group, self._may_reach)

    async def close(self) -> None:
        """Close all connections."""
        for wire in list(self._open):
            self._give_up(wire, self._open[wire])
        await asyncio.gather(*self._closing)

    def _opening(self, wire: Wire) -> "asyncio.Task[Sender]":
        opening = self._open.get(wire)
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception() is not None)):
            opening = self._open[wire] = asyncio.create_task(self._connect(wire))
        self._open.move_to_end(wire)
        return opening

    async def _connect(self, wire: Wire) -> Sender:
        while len(self._open) > MOST_OPEN:
            oldest = next(iter(self._open))
            self._give_up(oldest, self._open[oldest])
        return await (KafkaSender if wire.kind == KAFKA else NatsSender).open(wire, self._may_reach)

    def _give_up(self, wire: Wire, opening: "asyncio.Task[Sender]") -> None:
        """Have the next message go over another connection; nobody waits for this one to close."""
        if self._open.get(wire) is not opening:
            return
        del self._open[wire]
        closing = asyncio.create_task(_close(opening))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close(opening: "asyncio.Task[Sender]") -> None:
    if not opening.done():
        opening.cancel()
    await asyncio.wait([opening])
    if opening.cancelled() or opening.exception() is not None:
        return
    with suppress(Exception):  # whatever is wrong with it, it is given up
        async with asyncio.timeout(CLOSE_SECONDS):
            await opening.result().close()
