"""Drive wrk (Debian's package) and read what it measured."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from apps.core.management.local.debian import install

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
SCRIPT = """
local paths = {PATHS}
local n = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = 'BODY'
request = function()
  n = n % #paths + 1
  return wrk.format(nil, paths[n])
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One measured load; latencies in milliseconds, `bad` counts answers other than 2xx and socket errors."""

    per_second: float
    answered: int
    p50: float
    p99: float
    bad: int


def need_wrk() -> str:
    """Return the program's path, installing it as root; end with a clear message when that is not possible."""
    if shutil.which("wrk") is None and not install("wrk", print):
        raise SystemExit("wrk is missing: install the Debian package wrk")
    return shutil.which("wrk") or "wrk"


def post(url: str, paths: list[str], body: str, *, seconds: int, connections: int = 32) -> Load:
    """POST `body` to the paths in turn over `connections` connections, one thread."""
    script = SCRIPT.replace("PATHS", ", ".join(f'"{path}"' for path in paths)).replace("BODY", body)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "post.lua"
        file.write_text(script, encoding="utf-8")
        command = [need_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(file), url]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    return _read(printed)


def _read(printed: str) -> Load:
    latencies = dict(re.findall(r"^\s+(50|99)%\s+(\S+)", printed, re.MULTILINE))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed)
    return Load(
        per_second=float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0]),
        answered=int(re.findall(r"(\d+) requests in", printed)[0]),
        p50=_milliseconds(latencies["50"]),
        p99=_milliseconds(latencies["99"]),
        bad=(int(bad[1]) if bad else 0) + (sum(map(int, sockets.groups())) if sockets else 0),
    )


def _milliseconds(text: str) -> float:
    number, unit = re.findall(r"([\d.]+)(\w+)", text)[0]
    return round(float(number) * UNITS[unit], 3)
