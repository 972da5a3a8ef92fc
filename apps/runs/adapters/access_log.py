"""The ingress's access log: one JSON line per request, gathered and written a few times a second.

Written from a thread, because whoever reads the log may be slow and a full pipe must not hold up the event loop.
"""

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import IO

import orjson

from apps.runs.adapters.tasks import end_tasks

FLUSH_SECONDS = 0.25
MOST_LINES = 50_000  # kept while nobody reads; after that the oldest are dropped
Line = tuple[float, str, str, int, int, int, str, str]  # time, method, path, status, bytes, microseconds, client, id


class AccessLog:
    """Gathers lines and writes them from the loop's own timer; switched by the level of logger `weft.access`."""

    def __init__(self, stream: IO[bytes] | None = None) -> None:
        self._stream = stream
        self.is_on = logging.getLogger("weft.access").isEnabledFor(logging.INFO)
        self.lines: deque[Line] = deque(maxlen=MOST_LINES)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write, in the running loop."""
        if self.is_on:
            self._task = asyncio.get_running_loop().create_task(self._loop(), name="access-log")

    async def close(self) -> None:
        """Write what is left."""
        if self._task is not None:
            await end_tasks([self._task])
        self._write(self._taken())

    async def _loop(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            if self.lines:
                await asyncio.to_thread(self._write, self._taken())

    def _taken(self) -> deque[Line]:
        lines, self.lines = self.lines, deque(maxlen=MOST_LINES)
        return lines

    def _write(self, lines: Iterable[Line]) -> None:
        stream = self._stream or sys.stderr.buffer
        stream.write(b"".join(map(_encoded, lines)))
        stream.flush()


def _encoded(line: Line) -> bytes:
    at, method, path, status, size, microseconds, client, request_id = line
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"
    return orjson.dumps(
        {
            "event": "access",
            "timestamp": when,
            "method": method,
            "path": path,
            "status": status,
            "bytes": size,
            "us": microseconds,
            "client": client,
            "request_id": request_id,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
