"""The socket sweep and the task sweep find what no product should have."""

from typing import Any

import pytest
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import path

from apps.core.scope import SYSTEM, scope
from apps.tenants.models import Project
from apps.tenants.operations.invitations import SEND
from apps.tenants.tasks import invitation_send
from tests.support.database import TestDatabase
from tests.support.isolation import Examples, SocketExample, examples
from tests.support.socket_sweep import sweep_sockets
from tests.support.task_sweep import sweep_tasks, task_names
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-4")
Two = tuple[TenantFixture, TenantFixture]
PATTERN = "ws/t/<slug:tenant>/planted"


class Parrot(AsyncJsonWebsocketConsumer):
    """Opens to anybody and repeats everything."""

    permissions = {"say": "runs.read", "shout": None}

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json(content)


@pytest.mark.spec("SPINE-4.3")
async def test_a_planted_socket_is_found(database: TestDatabase, two_tenants: Two) -> None:
    known = Examples(sockets={(PATTERN, "say"): SocketExample(PATTERN, lambda tenant: {"type": tenant.slug})})
    sweep = await sweep_sockets(database, *two_tenants, known, [path(PATTERN, Parrot.as_asgi())])
    assert sweep.uncovered == [f"socket {PATTERN} message 'shout' names no permission"]
    assert [text.partition(PATTERN)[2] for text in sweep.breaches] == [
        " opens at another tenant's address",
        f" message 'say' tells ['{two_tenants[0].slug}']",
    ]


@pytest.mark.spec("SPINE-4.4")
def test_a_planted_task_is_found(database: TestDatabase, filled_tenants: Two) -> None:
    def follows_ids_anywhere(*, tenant_id: str, project_id: str, owner: Any) -> None:
        with scope(owner, SYSTEM):
            Project.objects.filter(id=project_id).update(name="taken over")

    known = Examples(
        tasks={"planted": lambda tenant: {"project_id": tenant.project.id, "owner": tenant.id}},
        tasks_without_tenant=set(task_names()),
    )
    more = {"planted": follows_ids_anywhere, "unlisted": follows_ids_anywhere}
    sweep = sweep_tasks(database, *filled_tenants, known, more)
    assert sweep.breaches == ["task planted changed tenants_project"]
    assert sweep.uncovered == ["task unlisted: no example in tests/support/examples"]


@pytest.mark.spec("SPINE-4.4")
def test_a_task_runs_in_the_scope_of_its_tenant(filled_tenants: Two, mailoutbox: list[Any]) -> None:
    a, b = filled_tenants
    ids = examples().tasks[SEND](a)
    invitation_send(tenant_id=str(b.id), **ids)
    assert mailoutbox == []
    invitation_send(tenant_id=str(a.id), request_id="r", **ids)
    assert len(mailoutbox) == 1
