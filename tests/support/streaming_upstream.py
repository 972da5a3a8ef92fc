"""A server of its own process whose answers come bit by bit (`streaming_app`), and a caller who reads them so."""

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from apps.core.management.local.ports import any_free
from tests.support.checkout import ROOT
from tests.support.waiting import wait_for

START_SECONDS = 60.0
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class StreamingUpstream:
    """A running server."""

    address: str

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}"

    def tell(self, path: str) -> Any:
        """Send it a POST: `/let/...` or `/set?...`."""
        return self._call("POST", path)

    def told(self, path: str) -> Any:
        """Return what it counted for a path."""
        return self._call("GET", f"/told{path}")["told"]

    def _call(self, method: str, path: str) -> Any:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=10) as answer:
            return json.loads(answer.read())


@contextmanager
def streaming_upstream() -> Iterator[StreamingUpstream]:
    """Start one, and end it."""
    port = any_free()
    started = StreamingUpstream(f"127.0.0.1:{port}")
    command = [sys.executable, "-m", "uvicorn", "tests.support.streaming_app:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "critical"], cwd=ROOT)
    try:
        wait_for(lambda: process.poll() is not None or _is_there(started), timeout=START_SECONDS, what="the upstream")
        assert process.poll() is None
        yield started
    finally:
        process.kill()
        process.wait(10)


def _is_there(started: StreamingUpstream) -> bool:
    try:
        return bool(started.tell("/set?status=200") == {})
    except (urllib.error.URLError, OSError):
        return False


class BrokenOff(Exception):
    """The connection went down before the answer's end."""


class Reading:
    """One answer over a real connection, read as it comes; the connection goes down with it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._left = -1  # of an announced length
        self.status = 0
        self.headers: dict[str, str] = {}

    @classmethod
    async def of(cls, port: int, method: str, path: str, body: bytes = b"", **headers: str) -> "Reading":
        """Send a request and return when the answer's head is there."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        named = {"host": "localhost", "content-length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        reading = cls(reader, writer)
        head = (await reading._within(reader.readuntil(b"\r\n\r\n"))).decode("latin-1").split("\r\n")
        reading.status = int(head[0].split()[1])
        reading.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        reading._left = int(reading.headers.get("content-length", "-1"))
        return reading

    async def chunk(self) -> bytes:
        """Return what comes next, empty at the answer's end; raise `BrokenOff`."""
        try:
            if self._left >= 0:
                piece = await self._within(self._reader.read(min(self._left, 65_536))) if self._left else b""
                if self._left and not piece:
                    raise BrokenOff
                self._left -= len(piece)
                return bytes(piece)
            size = int(await self._within(self._reader.readuntil(b"\r\n")), 16)
            return bytes((await self._within(self._reader.readexactly(size + 2)))[:-2])
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise BrokenOff from error

    async def rest(self) -> bytes:
        """Return everything up to the end."""
        pieces = []
        while piece := await self.chunk():
            pieces.append(piece)
        return b"".join(pieces)

    async def hang_up(self) -> None:
        """Close the connection."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _within(self, waiting: Any) -> Any:
        return await asyncio.wait_for(waiting, PATIENCE_SECONDS)
