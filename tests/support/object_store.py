"""An S3 service of its own process: `moto_server`, which speaks the protocol and keeps objects in memory."""

import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from apps.core.management.local.ports import any_free
from tests.support.waiting import wait_for

START_SECONDS = 60.0


@dataclass(frozen=True)
class ObjectStore:
    """A running service; it takes any key that signs."""

    url: str

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=10).close()

    def is_there(self) -> bool:
        """Whether it answers."""
        try:
            urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Start a service, and end it."""
    port = any_free()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "MOTO_TELEMETRY": "off"})
        try:
            store = ObjectStore(f"http://127.0.0.1:{port}")
            wait_for(lambda: process.poll() is not None or store.is_there(), timeout=START_SECONDS, what="moto_server")
            if process.poll() is not None:
                output.seek(0)
                raise AssertionError(output.read().decode(errors="replace"))
            yield store
        finally:
            process.terminate()
            process.wait(timeout=10)
