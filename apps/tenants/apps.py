"""Start-up wiring of the tenants app."""

from django.apps import AppConfig

from apps.core.api import permissions
from apps.tenants import policy


class TenantsConfig(AppConfig):
    """Users, tenants, memberships, projects, environments, API keys, secrets."""

    name = "apps.tenants"
    label = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand the judge of permissions to the API's base."""
        permissions.judge_by(policy.may)
