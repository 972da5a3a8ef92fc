"""The hub of this process, and what it reads: each read in a read-only scope of its tenant, one per message."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core.errors import NotFound
from apps.core.scope import SYSTEM, scope
from apps.runs.adapters.hub import Hub
from apps.runs.adapters.threads import in_thread
from apps.runs.models import Run
from apps.runs.queries.runs import run_events, run_get

_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub_of_this_loop() -> Hub:
    """Return the running loop's hub, started on first use."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        for closed in [each for each in _hubs if each.is_closed()]:
            del _hubs[closed]
        hub = _hubs[loop] = Hub(settings.REDIS_URL, read_events, newest_run)
        hub.start()
    return hub


async def hub_close() -> None:
    """Stop the running loop's hub; the next watcher starts another."""
    hub = _hubs.pop(asyncio.get_running_loop(), None)
    if hub is not None:
        await hub.close()


async def read_events(tenant_id: UUID, run_id: UUID, after: int) -> Sequence[dict[str, Any]]:
    """Return a run's events behind number `after`."""

    def read() -> list[dict[str, Any]]:
        with scope(tenant_id, SYSTEM, read_only=True):
            return run_events(run_id=run_id, after=after)

    return await in_thread(read)


async def read_state(tenant_id: UUID, run_id: UUID) -> dict[str, Any] | None:
    """Return a run as it is, None when the tenant has no such run."""

    def read() -> dict[str, Any] | None:
        with scope(tenant_id, SYSTEM, read_only=True):
            try:
                return run_get(run_id=run_id)
            except NotFound:
                return None

    return await in_thread(read)


async def newest_run(tenant_id: UUID) -> UUID | None:
    """Return the id of the tenant's newest run."""

    def read() -> UUID | None:
        with scope(tenant_id, SYSTEM, read_only=True):
            return Run.objects.order_by("-id").values_list("id", flat=True).first()

    return await in_thread(read)
