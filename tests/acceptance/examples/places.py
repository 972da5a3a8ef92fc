"""Where a document is tried: on the engine's local host, or in a running product. A scenario does not see which."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import orjson

from apps.engine.local.host import LOCAL
from apps.engine.testing import Bench
from tests.support.hosted import PATIENCE_SECONDS, HostedWorkflow
from tests.support.waiting import wait_for_async

Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer:
    """What an address of the document answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the decoded body."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Ended:
    """A run that has come to its end."""

    state: str
    input: Any
    output: Any
    error: Any
    logs: list[str]


class Place(Protocol):
    """What a scenario may do and see."""

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call one of the document's addresses; what is not bytes goes as JSON, `X_Y=` is the header X-Y."""

    async def start(self, workflow: str, action: str, data: Any) -> Ended:
        """Start a run by hand and wait for its end."""

    async def handled(self, handler: str) -> list[Ended]:
        """Return the ended deliveries to a handler, oldest first."""

    async def topics(self) -> list[str]:
        """Return the topics of all messages, oldest first."""

    async def state(self, machine: str, key: str) -> dict[str, Any]:
        """Return an instance's state, completed and error; empty when there is no such instance."""

    async def until(self, probe: Callable[[], Awaitable[Found]], what: str) -> Found:
        """Let what was started happen until `probe` returns something true."""


class LocalPlace:
    """A document on the engine's local host, with a clock of its own."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call through the ASGI door."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        found = await self._bench.request(method, path, body=body, headers=named)
        return Answer(found.status, dict(found.headers), found.body)

    async def start(self, workflow: str, action: str, data: Any) -> Ended:
        """Resolve as a trigger does, then drive everything."""
        application = self._bench.host.application()
        assert application is not None
        run_id = await self._bench.host.start_run(application.resolve(workflow, action, data))
        await self._bench.settle()
        found = self._bench.host.queue.run(LOCAL, run_id)
        assert found is not None
        return _local(found)

    async def handled(self, handler: str) -> list[Ended]:
        """Look into the queue."""
        runs = self._bench.host.queue.runs(LOCAL, source="message")
        return [_local(run) for run in runs if run["workflow"] == handler and run["status"] in ("done", "failed")]

    async def topics(self) -> list[str]:
        """Look into the queue."""
        return [message["topic"] for message in self._bench.host.queue.messages(LOCAL)]

    async def state(self, machine: str, key: str) -> dict[str, Any]:
        """Read in a unit of its own."""
        async with self._bench.host.unit() as unit:
            found = await unit.instances.get(machine, key)
        if found is None:
            return {}
        return {"state": found.state, "completed": found.completed, "error": found.error}

    async def until(self, probe: Callable[[], Awaitable[Found]], what: str) -> Found:
        """Drive everything to its end, then look once."""
        await self._bench.settle()
        found = await probe()
        assert found, what
        return found


class HostedPlace:
    """A document of a tenant in a running product, seen through the public API."""

    def __init__(self, workflow: HostedWorkflow) -> None:
        self._workflow = workflow

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call the tenant's address."""
        found = self._workflow.call(method, quote(path, safe="/?=&"), body, **headers)
        return Answer(found.status, found.headers, found.body)

    async def start(self, workflow: str, action: str, data: Any) -> Ended:
        """Start through the API and wait."""
        return _hosted(self._workflow.start(workflow, action, data))

    async def handled(self, handler: str) -> list[Ended]:
        """List runs and read each."""
        return [_hosted(self._workflow.ended_run(run)) for run in self._workflow.handled(handler)]

    async def topics(self) -> list[str]:
        """List messages."""
        return [message["topic"] for message in self._workflow.messages()]

    async def state(self, machine: str, key: str) -> dict[str, Any]:
        """List instances by the caller's id."""
        found = self._workflow.instance(key)
        if found is None or found["machine"] != machine:
            return {}
        return {name: found[name] for name in ("state", "completed", "error")}

    async def until(self, probe: Callable[[], Awaitable[Found]], what: str) -> Found:
        """Poll while the product's worker does its work."""
        return await wait_for_async(probe, timeout=PATIENCE_SECONDS, what=what)


def _local(run: dict[str, Any]) -> Ended:
    return Ended(run["status"], run["input"], run["output"], run["error"], _texts(run["steps"] or []))


def _hosted(run: dict[str, Any]) -> Ended:
    return Ended(run["state"], run["input"], run["output"], run["error"], _texts(run["steps"]))


def _texts(steps: list[dict[str, Any]]) -> list[str]:
    return [str(line.get("message", line)) for step in steps for line in step["logs"] or []]
