"""Start-up wiring of the modules app."""

from django.apps import AppConfig


class ModulesConfig(AppConfig):
    """The catalogue of module types."""

    name = "apps.modules"
    label = "modules"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Read the catalogue once, so that a misnamed or doubled type stops the start and not a request."""
        from apps.modules.queries import registry  # noqa: PLC0415 - imports every module type

        registry()
