"""Celery's part: a bell, the sweeps, and the boot step that runs the worker's loop (data.md 9)."""

import logging
import os
from typing import Any

import structlog
from celery import bootsteps, current_app, shared_task
from celery.signals import beat_init

from apps.runs.operations.sweeps import SWEEP_SECONDS, sweep_run, sweeps_late
from apps.runs.operations.worker_thread import worker

log = structlog.get_logger(__name__)


@shared_task(name="runs.wake", ignore_result=True, expires=10)  # type: ignore[untyped-decorator]
def wake() -> None:
    """Set the loop's event; the loop finds out by itself what there is to do."""
    worker.ring()


@shared_task(name="runs.sweep", ignore_result=True, expires=60)  # type: ignore[untyped-decorator]
def sweep(name: str) -> None:
    """Run one of the product's own sweeps."""
    counts = sweep_run(name)
    if counts and any(counts.values()):
        log.info("sweep.done", sweep=name, **counts)


def end_process() -> None:
    """End this process at once, so that its supervisor starts another: without its loop it would only seem to work.

    What it had in hand comes back with its leases, and a sweep that is cut off is done again.
    """
    logging.shutdown()
    os._exit(os.EX_SOFTWARE)


class WorkerLoopStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Starts the loop with the worker process; on a warm shutdown it drains before Celery goes on."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        """Begin to claim."""
        worker.start(on_failure=end_process)

    def stop(self, parent: Any) -> None:
        """Finish what is in hand and give the leases back."""
        worker.stop()

    def terminate(self, parent: Any) -> None:
        """As `stop`: a cold shutdown still gives leases back."""
        worker.stop()


@current_app.on_after_finalize.connect  # type: ignore[untyped-decorator]
def schedule_sweeps(sender: Any, **_: Any) -> None:
    """Have beat fire the sweeps; the worker's loop also empties the outbox by itself."""
    for name, seconds in SWEEP_SECONDS.items():
        sender.add_periodic_task(seconds, sweep.s(name), name=f"sweep {name}", expires=60)


@beat_init.connect  # type: ignore[untyped-decorator]
def sweep_what_is_late(**_: Any) -> None:
    """Have a worker catch up at once: beat counts each period from its own start."""
    for name in sweeps_late():
        sweep.apply_async((name,), retry=False)


current_app.steps["worker"].add(WorkerLoopStep)
