"""Wait for something to become true, with a deadline: no test sleeps a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
REST = 3  # a pause takes so many times as long as the question did: whoever is asked is busy with what is waited for


def _pause(asked: float) -> float:
    return min(max(PAUSE_SECONDS, REST * (time.monotonic() - asked)), LONGEST_PAUSE_SECONDS)


def wait_for(probe: Callable[[], Found], *, timeout: float = 10.0, what: str = "the condition") -> Found:
    """Call `probe` until it returns something true and return that; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        if found := probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not become true within {timeout:g} s; last: {found!r}")
        time.sleep(_pause(asked))


async def wait_for_async(
    probe: Callable[[], Awaitable[Found]], *, timeout: float = 10.0, what: str = "the condition"
) -> Found:
    """Await `probe()` until it returns something true and return that; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        if found := await probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not become true within {timeout:g} s; last: {found!r}")
        await asyncio.sleep(_pause(asked))
