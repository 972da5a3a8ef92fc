"""The Celery application: it rings the worker's bell and fires the product's own sweeps, nothing more."""

import os
import sys
from typing import Any

import structlog
from celery import Celery
from celery.signals import beat_init, worker_init, worker_ready

from apps.engine.memory import collect_rarely, settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")
collect_rarely()

app = Celery("weft")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def refuse_to_start(**_: Any) -> None:
    """End the process when its database would not keep tenants apart; Celery would only log an exception."""
    from apps.core.startup import refuse_unsafe_database  # noqa: PLC0415 - Django is set up by now, not earlier

    try:
        refuse_unsafe_database()
    except Exception as problem:
        structlog.get_logger("weft.start").error("refusing to start", reason=str(problem))
        sys.exit(1)


worker_init.connect(refuse_to_start)
beat_init.connect(refuse_to_start)


@worker_ready.connect  # type: ignore[untyped-decorator]
def settle_memory(**_: Any) -> None:
    """Everything that stays is loaded by now."""
    settle()
