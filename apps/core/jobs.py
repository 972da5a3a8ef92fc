"""Work for later: `defer` names a Celery task that starts after the commit, `ring` wakes the worker's loop.

A deferred job is an outbox row, so it is not lost when Redis is down. The bell is a hint and needs no row: the worker
looks by itself every two seconds.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import Celery, shared_task
from django.db import transaction

from apps.core.events import leave
from apps.core.models import Outbox
from apps.core.scope import SYSTEM, scope

WAKE = "runs.wake"
PAUSE_SECONDS = 0.005
log = structlog.get_logger(__name__)


def defer(task: str, /, **ids: Any) -> None:
    """Start the task `<app>.<operation>` once the open scope's transaction has committed; it gets `tenant_id` too."""
    leave(Outbox.Kind.JOB, task, ids)
    ring()


def ring() -> None:
    """Wake the worker after the commit of the open transaction, or at once when there is none."""
    transaction.on_commit(bell.ring)


@cache
def sender() -> Celery:
    """Return the Celery application of whoever only sends, in any thread of any process."""
    made = Celery("weft-sender", set_as_current=False)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    return made


class Bell:
    """Sends at most one wake-up per pause, from a thread of its own so that a dead broker delays nobody.

    A worker's loop in this process hears it directly (`hear`): what it does itself rings it without the broker.
    """

    def __init__(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        self.pause_seconds = pause_seconds
        self._hearers: frozenset[Callable[[], None]] = frozenset()
        self._rung = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Ask for a wake-up; returns at once."""
        self._rung.set()
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def hear(self, hearer: Callable[[], None]) -> None:
        """Have `hearer()` called, from the bell's thread, whenever it rings; it must return at once."""
        with self._lock:
            self._hearers |= {hearer}

    def unhear(self, hearer: Callable[[], None]) -> None:
        """Call it no more; a call that is under way may still come."""
        with self._lock:
            self._hearers -= {hearer}

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="weft-bell", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        quiet = threading.Event()
        while True:
            self._rung.wait()
            self._rung.clear()
            for hearer in self._hearers:
                hearer()
            self._send()
            quiet.wait(self.pause_seconds)

    def _send(self) -> None:
        try:
            sender().send_task(WAKE, ignore_result=True, expires=10, retry=False)
        except Exception as problem:
            log.warning("bell.unheard", problem=type(problem).__name__)


bell = Bell()


def tenant_task(name: str) -> Callable[[Callable[..., None]], Any]:
    """Make a Celery task of a function that gets its ids and runs in a scope of the tenant it was deferred in."""

    def decorate(perform: Callable[..., None]) -> Any:
        def task(*, tenant_id: str, request_id: str = "", **ids: Any) -> None:
            bound = structlog.contextvars.bound_contextvars(request_id=request_id, task=name)
            with bound, scope(UUID(tenant_id), SYSTEM):
                perform(**ids)

        task.__doc__, task.__module__, task.__qualname__ = perform.__doc__, perform.__module__, perform.__qualname__
        return shared_task(name=name, ignore_result=True)(task)

    return decorate
