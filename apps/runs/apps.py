"""Start-up wiring of what runs."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Runs: the ingress, the journal, workers, messages, instances."""

    name = "apps.runs"
    label = "runs"
    default_auto_field = "django.db.models.BigAutoField"
