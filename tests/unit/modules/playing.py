"""Play the example of a module type on the engine's local host."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.local.host import LOCAL
from apps.engine.testing import Bench
from apps.modules.queries import registry
from tests.support.checkout import ROOT


class Playing:
    """An example that runs."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def publish(self, topic: str, payload: Any) -> None:
        """Publish a message and let everything happen that is due."""
        async with self._bench.host.unit() as unit:
            unit.broker.publish(topic, payload)
        await self._bench.host.drain()

    async def start(self, workflow: str, data: Any) -> None:
        """Start a run and let everything happen that is due."""
        application = self._bench.host.application()
        assert application is not None
        await self._bench.host.start_run(application.resolve(workflow, workflow, data))
        await self._bench.host.drain()

    def runs(self, source: str | None = None) -> list[dict[str, Any]]:
        """Return the runs, all of them or of one source."""
        return self._bench.host.queue.runs(LOCAL, source=source)

    def payloads(self, topic: str) -> list[Any]:
        """Return what was published on a topic."""
        return [message["payload"] for message in self._bench.host.queue.messages(LOCAL, topic)]


@contextlib.asynccontextmanager
async def playing(stem: str) -> AsyncIterator[Playing]:
    """Serve `examples/modules/<stem>.yaml`; no fault of the engine may come of it."""
    text = (ROOT / "examples" / "modules" / f"{stem}.yaml").read_bytes()
    async with Bench(compile_document(load(text).document, registry())) as bench:
        yield Playing(bench)
        assert bench.host.bugs == []
