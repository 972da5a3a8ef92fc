"""Start and watch hosted runs from a test's event loop."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.runs.models import Run
from apps.runs.operations.runs import run_start
from apps.runs.queries.runs import run_get, run_list
from apps.workflows.queries.workflows import WorkflowView
from tests.support.tenants import TenantFixture
from tests.support.waiting import wait_for_async

ENDED = ("done", "failed", "cancelled")


async def the(tenant: TenantFixture, call: Callable[..., Any], **named: Any) -> Any:
    """Call a query or an operation in the tenant's scope."""

    def in_scope() -> Any:
        with scope(tenant.id, tenant.actor):
            return call(**named)

    return await in_thread(in_scope)


async def start(tenant: TenantFixture, workflow: WorkflowView, name: str, data: Any) -> UUID:
    """Start a run of what is live in prod and return its id."""
    live = {"workflow_id": workflow.id, "environment": "prod", "workflow": name, "action": ""}
    run = await the(tenant, run_start, **live, data=data, actor=tenant.actor)
    return UUID(run["id"])


async def ended(tenant: TenantFixture, run_id: Any, *, timeout: float = 10.0) -> dict[str, Any]:
    """Return a run once it has ended."""

    def has_ended() -> bool:
        return Run.objects.filter(id=run_id, state__in=ENDED).exists()

    await wait_for_async(lambda: the(tenant, has_ended), timeout=timeout, what=f"the end of run {run_id}")
    run: dict[str, Any] = await the(tenant, run_get, run_id=run_id)
    return run


async def ended_of(tenant: TenantFixture, source: str, count: int, *, timeout: float = 15.0) -> list[dict[str, Any]]:
    """Return the tenant's runs of one source, oldest first, once so many have ended."""

    async def look() -> list[dict[str, Any]] | None:
        page = await the(tenant, run_list)
        runs = [run for run in page.items if run["source"] == source and run["state"] in ENDED]
        return runs[::-1] if len(runs) == count else None

    found = await wait_for_async(look, timeout=timeout, what=f"the end of {count} runs by {source}")
    assert found is not None
    return found
