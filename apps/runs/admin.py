"""What operators see of runs: which there are and how they stand; never a payload."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.admin import OpsAdmin
from apps.runs.models import Delivery, Instance, Run


@admin.register(Run)
class RunAdmin(OpsAdmin):
    """Runs of all tenants."""

    list_display = (
        "id",
        "tenant_id",
        "workflow_id",
        "source",
        "entry",
        "state",
        "started_at",
        "finished_at",
        "dead_at",
    )
    list_filter = ("state", "source")
    search_fields = ("tenant__slug", "entry", "correlation", "request_id")
    ids = ("id", "tenant_id", "workflow_id", "parent_id")
    ordering = ("-id",)


@admin.register(Delivery)
class DeadLetterAdmin(OpsAdmin):
    """Deliveries that finally failed; those on their way are the worker's business."""

    list_display = ("id", "tenant_id", "workflow_id", "subscription", "message_id", "run_id", "replays", "dead_at")
    search_fields = ("tenant__slug", "subscription")
    ids = ("id", "tenant_id", "workflow_id", "message_id", "run_id")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Model]":
        """Leave out what is still on its way."""
        return super().get_queryset(request).filter(dead_at__isnull=False)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say what the list is of."""
        return super().changelist_view(request, {**(extra_context or {}), "title": "Dead letters"})


@admin.register(Instance)
class InstanceAdmin(OpsAdmin):
    """State-machine instances of all tenants, without their data."""

    list_display = ("id", "tenant_id", "workflow_id", "machine", "key", "state", "completed", "updated_at")
    list_filter = ("completed",)
    search_fields = ("tenant__slug", "machine", "key", "state")
    ids = ("id", "tenant_id", "workflow_id")
    ordering = ("-id",)
