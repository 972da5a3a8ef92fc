"""Local ports: chosen once per checkout, remembered, and given up when somebody else has taken them."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

Say = Callable[[str], None]

LOOPBACK = "127.0.0.1"
TRIES = 50
BACKLOG = 2048  # connections that wait while no process accepts any


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def any_free(host: str = LOOPBACK) -> int:
    """A port the kernel has to spare."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


def next_free(wanted: int, host: str = LOOPBACK) -> int:
    """The wanted port, else the first free one after it."""
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if is_free(port, host):
            return port
    return any_free(host)


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """A listening socket, for a process to inherit: the port stays taken while that process is started again."""
    return socket.create_server((host, port), backlog=BACKLOG)


class Ports:
    """The ports of one checkout, kept in a file."""

    def __init__(self, path: Path, say: Say) -> None:
        self._path = path
        self._say = say

    def choose(self, name: str, wanted: int | None = None, host: str = LOOPBACK) -> int:
        """The remembered (or wanted) port when it is free, else another, saying so."""
        known = self._read()
        first = wanted or known.get(name)
        port = any_free(host) if first is None else next_free(first, host)
        if first is not None and port != first:
            self._say(f"port {first} for {name} is taken, using {port}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({**known, name: port}, indent=1), encoding="utf-8")
        return port

    def _read(self) -> dict[str, int]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): int(port) for name, port in found.items()}
