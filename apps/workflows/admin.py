"""What operators see of workflows: which there are, what was published, what is live where; never the documents."""

from django.contrib import admin

from apps.core.admin import OpsAdmin
from apps.workflows.models import Deployment, Version, Workflow, WorkflowLink


@admin.register(Workflow)
class WorkflowAdmin(OpsAdmin):
    """Workflows of all tenants."""

    list_display = ("slug", "tenant_id", "name", "last_version", "updated_at", "archived_at")
    search_fields = ("tenant__slug", "slug")
    ids = ("id", "tenant_id", "project_id")
    ordering = ("-id",)


@admin.register(Version)
class VersionAdmin(OpsAdmin):
    """What was published."""

    list_display = ("id", "tenant_id", "workflow_id", "number", "sha256", "published_at", "published_by")
    search_fields = ("tenant__slug", "workflow__slug", "sha256")
    ids = ("id", "tenant_id", "workflow_id")
    ordering = ("-id",)


@admin.register(Deployment)
class DeploymentAdmin(OpsAdmin):
    """What is and was live where."""

    list_display = ("id", "tenant_id", "workflow_id", "environment_id", "version_id", "deployed_at", "ended_at")
    search_fields = ("tenant__slug", "workflow__slug")
    ids = ("id", "tenant_id", "workflow_id", "environment_id", "version_id")
    ordering = ("-id",)


@admin.register(WorkflowLink)
class WorkflowLinkAdmin(OpsAdmin):
    """Which workflows are joined, and by which events."""

    list_display = ("id", "tenant_id", "source_id", "target_id", "link_type", "event_pattern", "created_at")
    search_fields = ("tenant__slug", "source__slug", "target__slug")
    ids = ("id", "tenant_id", "source_id", "target_id")
    ordering = ("-id",)
