"""Start-up wiring of the workflows app."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """What is to run: workflows, drafts, versions, deployments."""

    name = "apps.workflows"
    label = "workflows"
