"""Ending background tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 0.5


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended, and swallow how they ended.

    One cancellation is not enough for a task inside the Redis client: its time-outs turn a cancellation that arrives
    at the wrong moment into `TimeoutError`, which a loop that outlives Redis takes for a lost connection.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
