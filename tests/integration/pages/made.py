"""Things for pages to show, made through the product's own operations."""

from apps.core.scope import scope
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import workflow_create
from apps.workflows.pages.starter import STARTER
from apps.workflows.queries.workflows import WorkflowView
from tests.support.tenants import TenantFixture


def make_workflow(tenant: TenantFixture, name: str = "Greeting", text: str = STARTER) -> WorkflowView:
    """Make a workflow with a draft."""
    with scope(tenant.id, tenant.actor):
        return workflow_create(project_id=tenant.project.id, name=name, text=text, actor=tenant.actor)


def make_live(tenant: TenantFixture, name: str = "Greeting") -> WorkflowView:
    """Make a workflow whose first version is live in production."""
    workflow = make_workflow(tenant, name)
    with scope(tenant.id, tenant.actor):
        version_publish(workflow_id=workflow.id, note="First", actor=tenant.actor)
        deployment_create(workflow_id=workflow.id, environment="prod", version=1, actor=tenant.actor)
    return workflow
