"""The ingress's access log: one JSON line per request, gathered and written a few times a second.

A line is encoded where it arises: a thread that encoded thousands at once would keep the event loop waiting for the
interpreter. Written from a thread, because whoever reads the log may be slow and a full pipe must not hold up the loop.
"""

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import IO

import orjson

from apps.runs.adapters.rows import clean
from apps.runs.adapters.tasks import end_tasks

FLUSH_SECONDS = 0.25
OF_SECOND = tuple(f".{number:03d}Z" for number in range(1000))  # formatting one is half the cost of a line
MOST_LINES = 50_000  # kept while nobody reads; after that the oldest are dropped


class AccessLog:
    """Gathers lines and writes them from the loop's own timer; switched by the level of logger `weft.access`."""

    def __init__(self, stream: IO[bytes] | None = None) -> None:
        self._stream = stream
        self.is_on = logging.getLogger("weft.access").isEnabledFor(logging.INFO)
        self._lines: deque[bytes] = deque(maxlen=MOST_LINES)
        self._task: asyncio.Task[None] | None = None
        self._second = 0
        self._stamp = ""

    def start(self) -> None:
        """Begin to write, in the running loop."""
        if self.is_on:
            self._task = asyncio.get_running_loop().create_task(self._loop(), name="access-log")

    def add(
        self, method: str, path: str, status: int, size: int, microseconds: int, client: str, request_id: str
    ) -> None:
        """Add the line of one answer; `size` is that of its body in bytes."""
        second, millisecond = divmod(time.time_ns() // 1_000_000, 1000)
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        line = {
            "event": "access",
            "timestamp": self._stamp + OF_SECOND[millisecond],
            "method": method,
            "path": path if path.isascii() else clean(path),
            "status": status,
            "bytes": size,
            "us": microseconds,
            "client": client,
            "request_id": request_id,
        }
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    async def close(self) -> None:
        """Write what is left."""
        if self._task is not None:
            await end_tasks([self._task])
        self._write(self._taken())

    async def _loop(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            if self._lines:
                await asyncio.to_thread(self._write, self._taken())

    def _taken(self) -> deque[bytes]:
        lines, self._lines = self._lines, deque(maxlen=MOST_LINES)
        return lines

    def _write(self, lines: Iterable[bytes]) -> None:
        stream = self._stream or sys.stderr.buffer
        stream.write(b"".join(lines))
        stream.flush()
