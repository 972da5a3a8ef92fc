"""The worker's loop in a thread of its own, so that Celery's main thread can do what it does."""

import asyncio
import threading
from collections.abc import Callable

import structlog

from apps.runs.operations.worker import WorkerLoop

log = structlog.get_logger(__name__)


class WorkerThread:
    """Runs a `WorkerLoop` in a thread of its own, for the Celery boot step.

    `on_failure` is called in that thread when the loop ends without having been told to.
    """

    def __init__(self) -> None:
        self._on_failure: Callable[[], None] | None = None
        self._is_told = False  # to stop
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: WorkerLoop | None = None
        self._ready = threading.Event()

    def start(self, on_failure: Callable[[], None]) -> None:
        """Begin to work."""
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name="weft-worker", daemon=True)
        self._thread.start()
        self._ready.wait()

    def ring(self) -> None:
        """Wake the loop; harmless before it runs and after it ended."""
        loop, worker = self._loop, self._worker
        if loop is not None and worker is not None and not loop.is_closed():
            loop.call_soon_threadsafe(worker.ring)

    def stop(self) -> None:
        """Drain, release the leases and end the thread."""
        loop, worker, thread = self._loop, self._worker, self._thread
        if loop is None or worker is None or thread is None or not thread.is_alive():
            return
        self._is_told = True
        loop.call_soon_threadsafe(worker.stop)
        thread.join()

    def _run(self) -> None:
        async def work() -> None:
            self._loop = asyncio.get_running_loop()
            self._worker = WorkerLoop()
            self._ready.set()
            await self._worker.run()

        try:
            asyncio.run(work())
        except BaseException:
            log.exception("worker.loop_ended")
            if self._on_failure is not None and not self._is_told:
                self._on_failure()
        finally:
            self._ready.set()


worker = WorkerThread()
