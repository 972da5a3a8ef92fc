"""The port `LogTargets` for `wfctl run`: files where the document says, and system logs.

System logs are spoken to as Go's `log/syslog` does, which the reference uses. Known secrets stand in no line.
"""

import asyncio
import os
import socket
from datetime import datetime
from pathlib import Path

from apps.engine.local.log_files import LogFiles
from apps.engine.log_targets import CODE, FACILITIES, SEVERITIES, FileTarget, LogTarget, SyslogTarget, one_line
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.redaction import KnownSecrets

SECONDS = 5.0
USUAL_SOCKET = "/dev/log"
USUAL_PORT = 514
UNREACHABLE = "log.unreachable"


class LocalLogTargets:
    """Targets as the documents of one folder name them."""

    def __init__(self, folder: Path | None, files: LogFiles, known: KnownSecrets) -> None:
        self._folder = folder
        self._files = files
        self._known = known

    async def write(self, target: LogTarget, line: str, level: str, at: datetime) -> None:
        """Write one line."""
        shown = one_line(self._known.redactor.text(line))
        try:
            if isinstance(target, FileTarget):
                await asyncio.to_thread(self._files.add, self._placed(target.path), target, shown)
            else:
                await asyncio.to_thread(self._send, target, shown, level, at)
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or type(problem).__name__
            if isinstance(target, FileTarget):
                raise StepFailed(f"The log file cannot be written: {why}.", code=CODE) from None
            raise TryAgain(f"The system log takes nothing: {why}.", code=UNREACHABLE) from None

    def _placed(self, path: str) -> Path:
        if self._folder is None:
            raise StepFailed("The document has no folder.", code=CODE)
        return (self._folder / path).resolve()

    def _send(self, target: SyslogTarget, line: str, level: str, at: datetime) -> None:
        priority = FACILITIES[target.facility] * 8 + SEVERITIES[level]
        said = f"{one_line(target.tag)}[{os.getpid()}]: {line}\n"
        if target.network == "unix":
            local = at.astimezone()
            head = f"<{priority}>{local:%b} {local.day:2d} {local:%H:%M:%S} "
            _to_socket(str(self._placed(target.address or USUAL_SOCKET)), (head + said).encode())
        else:
            head = f"<{priority}>{at.isoformat(timespec='seconds')} {socket.gethostname()} "
            _to_host(target, (head + said).encode())


def _to_socket(path: str, content: bytes) -> None:
    """Send to a socket of this machine, which takes datagrams or, failing that, a stream."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_UNIX, kind) as line:
            line.settimeout(SECONDS)
            try:
                line.connect(path)
            except OSError:
                if kind == socket.SOCK_STREAM:
                    raise
                continue
            line.sendall(content)
            return


def _to_host(target: SyslogTarget, content: bytes) -> None:
    host, port = _host_and_port(target.address)
    if target.network == "tcp":
        with socket.create_connection((host, port), SECONDS) as line:
            line.sendall(content)
        return
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as line:
        line.settimeout(SECONDS)
        line.connect(address)
        line.sendall(content)


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = address, str(USUAL_PORT)
    number = int(port)
    if not 0 < number < 65_536:
        raise ValueError(port)
    return host.strip("[]") or "localhost", number
