"""What is to run: workflows with their drafts, immutable versions, and the history of deployments."""

from django.db import models

from apps.core.models import TenantForeignKey, TenantModel


class Workflow(TenantModel):
    """A named document in a project; `draft` is the text being edited, as the author typed it."""

    project = TenantForeignKey("tenants.Project", on_delete=models.RESTRICT, db_index=False)
    slug = models.TextField()
    name = models.TextField()
    description = models.TextField(blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    draft = models.BinaryField(default=b"")
    draft_sha256 = models.TextField()
    draft_revision = models.PositiveIntegerField(default=1)
    draft_saved_at = models.DateTimeField()
    draft_saved_by = models.TextField()
    last_version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, default=None)

    class Meta:
        db_table = "workflows_workflow"
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="workflows_workflow_slug")]
        indexes = [models.Index(fields=["tenant", "project", "slug"], name="workflows_workflow_project")]

    def __str__(self) -> str:
        return self.slug


class Version(TenantModel):
    """One published document; the app role may insert and read these rows, never change them."""

    workflow = TenantForeignKey("workflows.Workflow", on_delete=models.RESTRICT, db_index=False)
    number = models.PositiveIntegerField()
    document = models.BinaryField()
    sha256 = models.TextField()
    findings = models.TextField()
    note = models.TextField(blank=True, default="")
    published_at = models.DateTimeField()
    published_by = models.TextField()

    class Meta:
        db_table = "workflows_version"
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="workflows_version_number")]

    def __str__(self) -> str:
        return f"{self.workflow_id} version {self.number}"


class Deployment(TenantModel):
    """Which version is, or was, live in an environment; the live one has no `ended_at`.

    `state_map` (JSON) and `are_orphans_confirmed` say what was decided about instances whose state the document lacks.
    """

    workflow = TenantForeignKey("workflows.Workflow", on_delete=models.RESTRICT, db_index=False)
    environment = TenantForeignKey("tenants.Environment", on_delete=models.RESTRICT, db_index=False)
    version = TenantForeignKey("workflows.Version", on_delete=models.RESTRICT)
    deployed_at = models.DateTimeField()
    deployed_by = models.TextField()
    are_orphans_confirmed = models.BooleanField(default=False)
    state_map = models.TextField(default="{}")
    ended_at = models.DateTimeField(null=True, default=None)

    class Meta:
        db_table = "workflows_deployment"
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "environment"],
                condition=models.Q(ended_at__isnull=True),
                name="workflows_deployment_one_live",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "environment", "-id"], name="workflows_deployment_env"),
            models.Index(fields=["workflow", "-id"], name="workflows_deployment_workflow"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id} in {self.environment_id}"


class WorkflowLink(TenantModel):
    """Events of one workflow that start or publish something at another (spec/modules.md 11).

    `event_pattern` is the pattern that holds, wherever it was written; `params` is JSON. A link is made and removed,
    never changed.
    """

    source = TenantForeignKey("workflows.Workflow", on_delete=models.RESTRICT, db_index=False)
    target = TenantForeignKey("workflows.Workflow", on_delete=models.RESTRICT, db_index=False)
    link_type = models.TextField()
    event_pattern = models.TextField()
    target_action = models.TextField(blank=True, default="")
    description = models.TextField(blank=True, default="")
    params = models.TextField(default="{}")
    created_at = models.DateTimeField()
    created_by = models.TextField()

    class Meta:
        db_table = "workflows_link"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "target", "link_type", "event_pattern", "target_action"], name="workflows_link_once"
            ),
        ]
        indexes = [models.Index(fields=["target", "-id"], name="workflows_link_target")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.event_pattern} -> {self.target_id}"
