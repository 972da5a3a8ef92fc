"""Every Celery task of ours, called for one tenant with another tenant's ids."""

from contextlib import suppress
from typing import Any

from apps.core.errors import WeftError
from config.celery import app
from tests.support.database import TestDatabase
from tests.support.isolation import Examples, Sweep
from tests.support.table_sweep import Witness
from tests.support.tenants import TenantFixture

NOT_OURS = ("celery.", "django_celery_beat.")


def task_names() -> list[str]:
    """Return the tasks that a worker of ours would know."""
    app.loader.import_default_modules()
    app.autodiscover_tasks(force=True)
    return sorted(name for name in app.tasks if not name.startswith(NOT_OURS))


def sweep_tasks(
    database: TestDatabase, a: TenantFixture, b: TenantFixture, known: Examples, more: dict[str, Any] | None = None
) -> Sweep:
    """Call each task in B's name with A's ids; `more` are tasks planted beside the registered ones."""
    sweep = Sweep("tasks")
    witness = Witness(database, a.id)
    for name, run in {**{name: app.tasks[name] for name in task_names()}, **(more or {})}.items():
        sweep.count += 1
        if name in known.tasks_without_tenant:
            continue
        if name not in known.tasks:
            sweep.uncovered.append(f"task {name}: no example in tests/support/examples")
            continue
        with suppress(WeftError):
            run(tenant_id=str(b.id), **known.tasks[name](a))
        sweep.breaches += [f"task {name} changed {table}" for table in witness.changed()]
    witness.close()
    return sweep
