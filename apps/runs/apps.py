"""Start-up wiring of what runs."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Runs: the ingress, the journal, workers, messages, instances."""

    name = "apps.runs"
    label = "runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Follow deployments, secrets and links: in their transaction, and with a say before a deployment."""
        from apps.core.events import on  # noqa: PLC0415 - models are loaded by now
        from apps.runs.operations.links import link_created, link_removed  # noqa: PLC0415
        from apps.runs.operations.subscriptions import (  # noqa: PLC0415
            deployment_changed,
            orphaned_instances,
            secrets_changed,
        )
        from apps.tenants.events import SECRET_DELETED, SECRET_SET  # noqa: PLC0415
        from apps.workflows.events import DEPLOYMENT_CHANGED, LINK_CREATED, LINK_REMOVED  # noqa: PLC0415
        from apps.workflows.operations.deployment_checks import deployment_check_register  # noqa: PLC0415

        on(DEPLOYMENT_CHANGED, deployment_changed)
        on(SECRET_SET, secrets_changed)
        on(SECRET_DELETED, secrets_changed)
        on(LINK_CREATED, link_created)
        on(LINK_REMOVED, link_removed)
        deployment_check_register(orphaned_instances)
