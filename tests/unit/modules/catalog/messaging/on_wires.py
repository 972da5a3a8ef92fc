"""What the tests of brokers outside share: hearing from a line, and being refused a private broker."""

from typing import Any

import pytest

from apps.engine.local.wiring import LiveWires
from apps.engine.outcome import StepFailed
from apps.engine.wires import Wire, WireMessage

MOST_TRIES = 20  # of hearing something


async def received(line: Any, count: int = 1) -> list[WireMessage]:
    """Return the messages that come until there are `count`, or none for a while."""
    found: list[WireMessage] = []
    for _ in range(MOST_TRIES):
        found += await line.receive()
        if len(found) >= count:
            break
    return found


async def assert_refused_as_private(wire: Wire) -> None:
    """Look at, publish to and listen on a wire where the host lets nobody reach it: each is refused for good."""
    guarded = LiveWires(lambda host, port, address: False)
    for attempt in (guarded.check(wire), guarded.publish(wire, WireMessage("a", b"1")), _opened(guarded, wire)):
        with pytest.raises(StepFailed) as refused:
            await attempt
        assert refused.value.code == "broker.forbidden_target"
    await guarded.close()


async def _opened(wires: LiveWires, wire: Wire) -> None:
    async with wires.listen(wire, ["a"], group="g"):
        pass
