"""What ``dev`` keeps under ``.weft/`` between starts, and the lock that makes it the only owner."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO


class AlreadyRunning(Exception):
    """Another process owns the folder."""


class Lock:
    """Held as long as this process lives; the kernel lets go of it however the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: TextIO | None = None

    def take(self) -> None:
        """Own the folder, or say who does."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            handle.close()
            raise AlreadyRunning(owner) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._handle = handle

    def release(self) -> None:
        """Let others own the folder."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class Remembered:
    """``NAME=value`` lines that only their owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, str]:
        """All of them; nothing when there are none yet."""
        if not self._path.is_file():
            return {}
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def write(self, values: Mapping[str, str]) -> None:
        """Replace them in one step."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self._path, "".join(f"{name}={value}\n" for name, value in sorted(values.items())))

    def keys(self) -> dict[str, str]:
        """The signing and encryption keys of this checkout, made once."""
        known = self.read()
        keys = {
            "SECRET_KEY": known.get("SECRET_KEY") or secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": known.get("ENCRYPTION_KEYS") or base64.b64encode(os.urandom(32)).decode(),
        }
        if not keys.items() <= known.items():
            self.write({**known, **keys})
        return keys


def write_private(path: Path, text: str) -> None:
    """Write a file whole, or not at all, readable by nobody else."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    fresh.replace(path)


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """The running product as JSON, for tools and tests that look for it."""
    write_private(path, json.dumps(state, indent=1))
