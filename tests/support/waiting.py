"""Wait for something to become true, with a deadline: no test sleeps a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE_SECONDS = 0.02


def wait_for(probe: Callable[[], Found], *, timeout: float = 10.0, what: str = "the condition") -> Found:
    """Call `probe` until it returns something true and return that; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if found := probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not become true within {timeout:g} s; last: {found!r}")
        time.sleep(PAUSE_SECONDS)


async def wait_for_async(
    probe: Callable[[], Awaitable[Found]], *, timeout: float = 10.0, what: str = "the condition"
) -> Found:
    """Await `probe()` until it returns something true and return that; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if found := await probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not become true within {timeout:g} s; last: {found!r}")
        await asyncio.sleep(PAUSE_SECONDS)
