"""Calls from the event loop into code that uses Django's connections."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Run `call` in a thread, in a copy of this context, and give its connection back afterwards."""

    def run() -> T:
        try:
            return call(*args, **named)
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close()

    return await asyncio.to_thread(run)
