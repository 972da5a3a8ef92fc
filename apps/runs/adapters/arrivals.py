"""Request bodies on their way in: bounded in size, in time, and in number per client.

What is still arriving holds no place among the requests in hand, so that slow senders keep nobody else out. Time is
kept by one task that looks at all of them once a second: a timer of its own would cost a request more than its body.
"""

import asyncio
from typing import Any

from apps.runs.adapters.headers import Given
from apps.runs.adapters.tasks import end_tasks

SECONDS = 30  # in which a whole body must arrive
MOST_OF_CLIENT = 256  # bodies that one address may be sending at a time
LOOK_SECONDS = 1.0
WHOLE_BODY = "weft.body"  # a server's way to hand over a body that is there already (config/protocol.py)


class TooLong(Exception):
    """The body is over the route's limit."""


class TooSlow(Exception):
    """The body did not arrive in time."""


class TooMany(Exception):
    """The client is sending as many bodies as it may."""


class Gone(Exception):
    """The client hung up before its request was complete."""


class Arrivals:
    """The bodies that one process is receiving; all are looked at every `look` seconds."""

    def __init__(self, *, seconds: float = SECONDS, look: float = LOOK_SECONDS) -> None:
        self._look = look
        self._most_looks = seconds / look
        self._looks = 0
        self._since: dict[asyncio.Task[Any], int] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._of_client: dict[str, int] = {}
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the time, in the running loop."""
        self._watch = asyncio.get_running_loop().create_task(self._end_late(), name="arrivals")

    async def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            await end_tasks([self._watch])

    async def read(self, receive: Any, given: Given, most: int, client: str) -> bytes:
        """Return the whole body, at most `most` bytes; raise `TooLong`, `TooSlow`, `TooMany` or `Gone`."""
        announced = given.get(b"content-length")
        if announced and (not announced.isdigit() or int(announced) > most):
            raise TooLong
        task = asyncio.current_task()
        assert task is not None
        self._enter(task, client)
        try:
            return await _whole(receive, most)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise TooSlow from None
        finally:
            self._leave(task, client)

    def _enter(self, task: asyncio.Task[Any], client: str) -> None:
        sending = self._of_client.get(client, 0)
        if sending >= MOST_OF_CLIENT:
            raise TooMany
        self._of_client[client] = sending + 1
        self._since[task] = self._looks

    def _leave(self, task: asyncio.Task[Any], client: str) -> None:
        del self._since[task]
        self._late.discard(task)
        left = self._of_client[client] - 1
        if left:
            self._of_client[client] = left
        else:
            del self._of_client[client]

    async def _end_late(self) -> None:
        while True:
            await asyncio.sleep(self._look)
            self._looks += 1
            late = [task for task, since in self._since.items() if self._looks - since > self._most_looks]
            for task in late:
                if task not in self._late:
                    self._late.add(task)
                    task.cancel()


def whole_body(scope: Any, most: int) -> bytes | None:
    """Return a body that is there already, None when it has to be read; raise `TooLong`."""
    body: bytes | None = (scope.get("extensions") or {}).get(WHOLE_BODY, _nothing)()
    if body is not None and len(body) > most:
        raise TooLong
    return body


def _nothing() -> None:
    return None


async def _whole(receive: Any, most: int) -> bytes:
    """Read the body; refuse it as soon as it is known to be too long."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise TooLong
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)
