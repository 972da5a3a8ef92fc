"""``manage.py seed_demo``: two demo tenants with the order-processing example live; a second run changes nothing."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

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
from apps.workflows.errors import DocumentRefused
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.drafts import draft_save
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import workflow_create
from apps.workflows.queries.versions import version_list, version_text
from apps.workflows.queries.workflows import draft_get, workflow_list

EXAMPLE = Path("examples/order_processing/workflow.yaml")
TITLE = "Order processing"
NOWHERE = "http://127.0.0.1:9/"  # where notifications go when no receiver runs: nobody listens there


class Command(BaseCommand):
    """Fills in the demo."""

    help = "Make the two demo tenants and put the order-processing example live in both."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing and update the example when its file has changed."""
        user_ensure(email=OPERATOR, name="Operator", password=PASSWORD, is_operator=True)
        for cast in CAST:
            self._tenant(cast)

    def _tenant(self, cast: DemoTenant) -> None:
        tenant = tenant_ensure(slug=cast.slug, name=cast.name, actor=SYSTEM)
        owner = user_ensure(email=cast.email, name=cast.person, password=PASSWORD)
        with scope(tenant.id, SYSTEM):
            membership_ensure(user=owner, role="owner", actor=SYSTEM)
            project = project_ensure(slug="orders", name="Orders", actor=SYSTEM)
            receiver = str(getattr(settings, RECEIVER_VARIABLE)) or NOWHERE
            secret_set(environment="prod", name=WEBHOOK_SECRET, value=receiver, actor=SYSTEM)
            example = Path(settings.BASE_DIR) / EXAMPLE
            if not example.is_file():
                self.stdout.write(f"{cast.slug}: {EXAMPLE} is not there, so nothing was published")
                return
            self._workflow(project.id, example.read_text(encoding="utf-8"), cast.slug)

    def _workflow(self, project_id: Any, text: str, tenant: str) -> None:
        """Publish and deploy the text unless its latest version is just that."""
        found = next((row for row in workflow_list(project_id=project_id).items if row.slug == WORKFLOW), None)
        if found is None:
            found = workflow_create(project_id=project_id, name=TITLE, slug=WORKFLOW, text=text, actor=SYSTEM)
        elif draft_get(workflow_id=found.id).text != text:
            revision = draft_get(workflow_id=found.id).revision
            draft_save(workflow_id=found.id, text=text, if_revision=revision, actor=SYSTEM)
        latest = version_list(workflow_id=found.id, limit=1).items
        number = latest[0].number if latest else 0
        if not latest or version_text(workflow_id=found.id, number=number) != text:
            number = version_publish(workflow_id=found.id, note="The demo's example", actor=SYSTEM).number
        try:
            deployment_create(workflow_id=found.id, environment="prod", version=number, actor=SYSTEM)
        except DocumentRefused as refused:
            self.stderr.write(f"{tenant}: the example cannot be deployed: {refused}")
