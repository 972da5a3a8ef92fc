"""Start-up wiring of the shared kernel."""

from django.apps import AppConfig
from django.core import checks

from apps.core.startup import check_database


class CoreConfig(AppConfig):
    """The shared kernel: scope, tenant tables, audit, outbox, caches, outbound calls, the API's base."""

    name = "apps.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the deployment check of the database."""
        checks.register(check_database, checks.Tags.security, deploy=True)
