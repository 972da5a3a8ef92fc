"""The run path in a test's own event loop: an ingress to call, a worker beside it, and documents to deploy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.runs.ingress import Ingress
from apps.runs.operations.worker import WorkerLoop
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.drafts import draft_save
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import workflow_create
from apps.workflows.queries.workflows import WorkflowView, draft_get
from tests.support.tenants import TenantFixture


@dataclass
class Reply:
    """An answer of the ingress."""

    status: int
    headers: dict[str, str]
    body: bytes
    lines: list[tuple[str, str]] = field(default_factory=list)  # the headers as sent, repeated names too

    def said(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for each, value in self.lines if each == name]

    def json(self) -> Any:
        """Return the decoded body."""
        return orjson.loads(self.body)


UNFINISHED = b"a body of which no more comes than this"


@dataclass
class Call:
    """One request on its way through an ASGI callable."""

    body: bytes
    sent: list[dict[str, Any]] = field(default_factory=list)
    has_given: bool = False

    async def receive(self) -> dict[str, Any]:
        """Give the body once, and then nothing more: the caller waits for its answer."""
        if self.has_given:
            waiting: dict[str, Any] = await asyncio.Future()
            return waiting
        self.has_given = True
        return {"type": "http.request", "body": self.body, "more_body": self.body is UNFINISHED}

    async def send(self, message: dict[str, Any]) -> None:
        """Keep what is answered."""
        self.sent.append(message)


async def request(
    app: Any,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str | None] | None = None,
    client: str = "10.0.0.1",
) -> Reply:
    """Send one request through `app` and return its answer; a body that is not bytes is sent as JSON.

    A header that is None is left out where it would be sent by itself.
    """
    content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    given = {"host": "localhost", "content-length": str(len(content)), **(headers or {})}
    if body is not None:
        given.setdefault("content-type", "application/json")
    plain, _, query = path.partition("?")
    sent = Call(content)
    scope_ = {
        "type": "http",
        "method": method,
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode("latin-1")) for name, value in given.items() if value is not None
        ],
        "client": (client, 40_000),
        "scheme": "http",
    }
    await app(scope_, sent.receive, sent.send)
    start = sent.sent[0]
    lines = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
    body = b"".join(message.get("body", b"") for message in sent.sent[1:])
    return Reply(start["status"], dict(lines), body, lines)


async def behind(scope_: Any, receive: Any, send: Any) -> None:
    """Stand where Django does."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"django"})


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Ingress]:
    """Open an ingress in this loop."""
    ingress = Ingress(behind)
    await ingress.start()
    try:
        yield ingress
    finally:
        await ingress.stop()


@contextlib.asynccontextmanager
async def working() -> AsyncIterator[WorkerLoop]:
    """Run a worker in this loop; it is rung without Celery."""
    worker = WorkerLoop()
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


def deploy(tenant: TenantFixture, slug: str, text: str, *, environment: str = "prod", **options: Any) -> WorkflowView:
    """Create a workflow, publish `text` and make it live."""
    with scope(tenant.id, tenant.actor):
        made = workflow_create(project_id=tenant.project.id, name=slug, slug=slug, text=text, actor=tenant.actor)
        version_publish(workflow_id=made.id, actor=tenant.actor)
        deployment_create(workflow_id=made.id, environment=environment, version=1, actor=tenant.actor, **options)
    return made


def redeploy(
    tenant: TenantFixture, workflow: WorkflowView, text: str, *, environment: str = "prod", **options: Any
) -> int:
    """Publish `text` as the next version and make it live; return its number."""
    with scope(tenant.id, tenant.actor):
        revision = draft_get(workflow_id=workflow.id).revision
        draft_save(workflow_id=workflow.id, text=text, if_revision=revision, actor=tenant.actor)
        version = version_publish(workflow_id=workflow.id, actor=tenant.actor)
        deployment_create(
            workflow_id=workflow.id, environment=environment, version=version.number, actor=tenant.actor, **options
        )
    return version.number


async def deployed(tenant: TenantFixture, slug: str, text: str, **options: Any) -> WorkflowView:
    """Deploy from inside a test's event loop."""
    return await in_thread(lambda: deploy(tenant, slug, text, **options))
