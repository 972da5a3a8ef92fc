"""What happens while `wfctl run` serves, one line each: requests as they are answered, runs as they end."""

import asyncio
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from rich.console import Console as Terminal
from rich.text import Text

from apps.engine.asgi import Receive, Scope, Send
from apps.engine.local.host import LOCAL, LocalHost
from apps.engine.local.store import read_time
from apps.engine.redaction import KnownSecrets
from apps.wfctl.console import Asgi

LOOK_SECONDS = 0.05
FINAL = ("done", "failed", "cancelled")
COLOURS = {"done": "green", "failed": "bold red", "cancelled": "dim"}
_NEW = "select position, id, scope from run where position > ? and source <> 'http' order by position"


class Narrator:
    """Prints lines without the values of secrets; colours only where there is a terminal."""

    def __init__(self, terminal: Terminal, known: KnownSecrets) -> None:
        self.terminal = terminal
        self._known = known
        self._seen = 0
        self._open: list[tuple[str, UUID]] = []

    def say(self, *parts: str | tuple[str, str]) -> None:
        """Print one line with the time in front."""
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        hide = self._known.redactor.text
        shown = [hide(part) if isinstance(part, str) else (hide(part[0]), part[1]) for part in parts]
        self.terminal.print(Text.assemble((now, "dim"), " ", *shown), soft_wrap=True)

    def requests(self, served: Asgi, label: str = "") -> Asgi:
        """Return `served`, telling of each request that was answered, with the label in front."""

        async def told(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await served(scope, receive, send)
                return
            started, status = time.monotonic(), 0

            async def watch(message: dict[str, object]) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = int(str(message["status"]))
                await send(message)

            await served(scope, receive, watch)
            took = f" {(time.monotonic() - started) * 1000:.1f} ms"
            self.say(
                _mark(label), f"{scope['method']} {scope['path']} ", (str(status), _colour_of(status)), (took, "dim")
            )

        return told

    async def runs(self, host: LocalHost) -> None:
        """Tell of the runs of a host as they end, until cancelled."""
        while True:
            self.look(host)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self, host: LocalHost) -> None:
        """Tell of the runs that have ended since the last look."""
        for row in host.store.rows(_NEW, (self._seen,)):
            self._seen = row["position"]
            self._open.append((row["scope"], UUID(row["id"])))
        for scope, run_id in list(self._open):
            run = host.queue.run(scope, run_id)
            if run is None or run["status"] in FINAL:
                self._open.remove((scope, run_id))
            if run is not None and run["status"] in FINAL:
                self._tell("" if scope == LOCAL else scope, run)

    def _tell(self, label: str, run: dict[str, Any]) -> None:
        way = "->" if run["source"] == "message" else ""
        what = " ".join(filter(None, (run["source"], run["action"], way, run["workflow"])))
        self.say(_mark(label), f"{what} ", (run["status"], COLOURS[run["status"]]), *_took(run), *_error(run))
        for step in run["steps"] or []:
            for line in step.get("logs") or []:
                self.say((f"  {step.get('name', '')}: {line.get('message', '')}", "dim"))


def _mark(label: str) -> tuple[str, str]:
    return (f"{label} " if label else "", "cyan")


def _took(run: dict[str, Any]) -> list[tuple[str, str]]:
    started, ended = read_time(run["started_at"]), read_time(run["finished_at"])
    return [(f" {(ended - started).total_seconds() * 1000:.1f} ms", "dim")] if started and ended else []


def _error(run: dict[str, Any]) -> list[tuple[str, str]]:
    error = run["error"]
    return [(f"  {error.get('code', '')}: {error.get('message', '')}", "red")] if isinstance(error, dict) else []


def _colour_of(status: int) -> str:
    return "green" if status < 400 else "yellow" if status < 500 else "bold red"
