"""Wait for something to become true, with a deadline: no test sleeps a fixed time.

The pauses grow, so that who waits for long does not keep what it waits for from the processor.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

Found = TypeVar("Found")
PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.2
GROWTH = 1.3


def wait_for(probe: Callable[[], Found], *, timeout: float = 10.0, what: str = "the condition") -> Found:
    """Call `probe` until it returns something true and return that; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    for pause in _pauses():
        if found := probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not become true within {timeout:g} s; last: {found!r}")
        time.sleep(pause)
    raise AssertionError("there is always another pause")


async def wait_for_async(
    probe: Callable[[], Awaitable[Found]], *, timeout: float = 10.0, what: str = "the condition"
) -> Found:
    """Await `probe()` until it returns something true and return that; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    for pause in _pauses():
        if found := await probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not become true within {timeout:g} s; last: {found!r}")
        await asyncio.sleep(pause)
    raise AssertionError("there is always another pause")


def _pauses() -> Iterator[float]:
    pause = PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)
