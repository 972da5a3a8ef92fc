"""``manage.py seed_demo``: two tenants with the example published and deployed; running it again changes nothing."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.core.errors import NotFound
from apps.core.management.local.demo import (
    CAST,
    OPERATOR,
    PASSWORD,
    RECEIVER_VARIABLE,
    WEBHOOK_SECRET,
    WORKFLOW,
    DemoTenant,
)
from apps.core.scope import SYSTEM, scope
from apps.tenants.operations.members import membership_ensure
from apps.tenants.operations.projects import project_ensure
from apps.tenants.operations.secrets import secret_set
from apps.tenants.operations.tenants import tenant_ensure
from apps.tenants.operations.users import user_ensure
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.drafts import draft_save
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import workflow_create
from apps.workflows.queries.deployments import deployment_list
from apps.workflows.queries.versions import version_list, version_text
from apps.workflows.queries.workflows import WorkflowView, draft_get, workflow_by_slug

DOCUMENT = Path("examples/order_processing/workflow.yaml")
ENVIRONMENT = "prod"


class Command(BaseCommand):
    """Fills a product with something to look at; for machines that people try it on."""

    help = "Make the two demo tenants and deploy the order example in both."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Tenant by tenant; what is there already stays as it is."""
        user_ensure(email=OPERATOR, name="Operator", password=PASSWORD, is_operator=True)
        text = (settings.BASE_DIR / DOCUMENT).read_text(encoding="utf-8")
        receiver = os.environ.get(RECEIVER_VARIABLE, "")
        for tenant in CAST:
            _seed(tenant, text, receiver)


def _seed(tenant: DemoTenant, text: str, receiver: str) -> None:
    made = tenant_ensure(slug=tenant.slug, name=tenant.name, actor=SYSTEM)
    owner = user_ensure(email=tenant.email, name=tenant.person, password=PASSWORD)
    with scope(made.id, SYSTEM):
        membership_ensure(user=owner, role="owner", actor=SYSTEM)
        project = project_ensure(slug="shop", name="Shop", actor=SYSTEM)
        if receiver:
            secret_set(environment=ENVIRONMENT, name=WEBHOOK_SECRET, value=receiver, actor=SYSTEM)
        try:
            workflow = workflow_by_slug(slug=WORKFLOW)
        except NotFound:
            workflow = workflow_create(
                project_id=project.id, name="Order processing", slug=WORKFLOW, text=text, actor=SYSTEM
            )
        _deploy(workflow, text)


def _deploy(workflow: WorkflowView, text: str) -> None:
    """Publish and deploy the example unless its newest version says the same; people's own later versions stay."""
    versions = version_list(workflow_id=workflow.id, limit=1).items
    if versions and versions[0].published_by != SYSTEM.label:
        return
    if not versions or version_text(workflow_id=workflow.id, number=versions[0].number) != text:
        draft = draft_get(workflow_id=workflow.id)
        if draft.text != text:
            draft_save(workflow_id=workflow.id, text=text, if_revision=draft.revision, actor=SYSTEM)
        versions = [version_publish(workflow_id=workflow.id, note="The example", actor=SYSTEM)]
    live = deployment_list(workflow_id=workflow.id, environment=ENVIRONMENT, live_only=True).items
    if not live or live[0].version != versions[0].number:
        deployment_create(
            workflow_id=workflow.id,
            environment=ENVIRONMENT,
            version=versions[0].number,
            confirm_orphans=True,
            actor=SYSTEM,
        )
