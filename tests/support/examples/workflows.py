"""Rows and ids of the workflows app, for the isolation sweeps."""

from typing import Any
from uuid import UUID

from apps.core.scope import SYSTEM, scope
from apps.workflows.models import Deployment, Workflow, WorkflowLink
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.links import link_create
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import workflow_create
from tests.support.isolation import body, parameter, row
from tests.support.tenants import TenantFixture

DOCUMENT = """\
modules:
  - name: server
    type: http.server
    config: {address: ":8080"}
  - name: router
    type: http.router
  - name: hello
    type: http.handler
workflows:
  http:
    routes:
      - {method: GET, path: /hello, handler: hello}
"""


def slug(tenant: TenantFixture) -> str:
    """Return the slug of the tenant's workflow, of which there is one in all tenants."""
    return f"orders-{tenant.id.hex[-8:]}"


@row("workflows_workflow", "workflows_version", "workflows_deployment", "workflows_link")
def live_workflow(tenant: TenantFixture) -> None:
    """Make a workflow that is live in production, and link it to another."""
    with scope(tenant.id, SYSTEM):
        if Workflow.objects.filter(slug=slug(tenant)).exists():
            return
        made = workflow_create(
            project_id=tenant.project.id, name="Orders", slug=slug(tenant), text=DOCUMENT, actor=SYSTEM
        )
        version_publish(workflow_id=made.id, actor=SYSTEM)
        deployment_create(workflow_id=made.id, environment="prod", version=1, actor=SYSTEM)
        target = workflow_create(
            project_id=tenant.project.id, name="Stock", slug=f"stock-{tenant.id.hex[-8:]}", actor=SYSTEM
        )
        said = {"target": target.slug, "link_type": "event_forward", "event_pattern": "order.*"}
        link_create(workflow_id=made.id, said=said, actor=SYSTEM)


def workflow_id(tenant: TenantFixture) -> UUID:
    """Return the tenant's live workflow."""
    with scope(tenant.id, SYSTEM):
        return Workflow.objects.get(slug=slug(tenant)).id


def deployment_id(tenant: TenantFixture) -> UUID:
    """Return the tenant's live deployment."""
    with scope(tenant.id, SYSTEM):
        return Deployment.objects.get(workflow__slug=slug(tenant), ended_at__isnull=True).id


def link_id(tenant: TenantFixture) -> UUID:
    """Return the link out of the tenant's live workflow."""
    with scope(tenant.id, SYSTEM):
        return WorkflowLink.objects.get(source__slug=slug(tenant)).id


def links_document(tenant: TenantFixture) -> dict[str, Any]:
    """Return a links document that names the tenant's workflows."""
    link = {"source": slug(tenant), "target": f"stock-{tenant.id.hex[-8:]}", "link_type": "stolen.*"}
    return {"links": [link]}


parameter("workflow_id", workflow_id)
parameter("link_id", link_id)
parameter("deployment_id", deployment_id)
parameter("slug", slug)
parameter("number", lambda tenant: 1, is_id=False)

body("POST", "check", lambda tenant: {"text": DOCUMENT})
body("POST", "projects/<uuid:project_id>/workflows", lambda tenant: {"name": "Stolen"})
body("POST", "projects/<uuid:project_id>/workflows/import", lambda tenant: {"workflows": [{"name": "Stolen"}]})
body("PATCH", "workflows/<uuid:workflow_id>", lambda tenant: {"name": "Stolen"})
body("POST", "workflows/<uuid:workflow_id>/archive")
body("POST", "workflows/<uuid:workflow_id>/restore")
body("PUT", "workflows/<uuid:workflow_id>/draft", lambda tenant: {"text": "overwritten"})
body("POST", "workflows/<uuid:workflow_id>/versions")
body("POST", "workflows/<uuid:workflow_id>/deployments", lambda tenant: {"environment": "prod", "version": 1})
body("POST", "deployments/<uuid:deployment_id>/end")
body("POST", "workflows/<uuid:workflow_id>/links", lambda tenant: {"target": slug(tenant), "link_type": "stolen.*"})
body("DELETE", "workflows/<uuid:workflow_id>/links/<uuid:link_id>")
body("POST", "links/import", links_document)
