"""An event loop for threads that have none: units of work on behalf of the control plane, in a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

from django.conf import settings

from apps.runs.adapters.services import Services
from apps.runs.operations.applications import Applications
from apps.runs.operations.services import services_make

T = TypeVar("T")
TIMEOUT_SECONDS = 30.0


class InlineLoop:
    """Started by the first call; belongs to the database it was started for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._services: Services | None = None
        self._thread: threading.Thread | None = None
        self._url = ""

    def call(self, work: Callable[[Services], Awaitable[T]]) -> T:
        """Run `work(services)` in the loop and return its result; called from a thread without a loop."""
        with self._lock:
            if self._loop is None or self._url != settings.DATABASE_URL:
                self._stop()
                self._start()
            loop, services = self._loop, self._services
        assert loop is not None
        assert services is not None

        async def run() -> T:
            return await work(services)

        future: Future[T] = asyncio.run_coroutine_threadsafe(run(), loop)
        return future.result(TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Close what was opened; the next call starts again."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="weft-inline", daemon=True)
        self._thread.start()

        async def open_services() -> Services:
            services = services_make(Applications(), app_size=2, relay_size=1)
            await services.start()
            return services

        self._services = asyncio.run_coroutine_threadsafe(open_services(), loop).result(TIMEOUT_SECONDS)
        self._loop, self._url = loop, settings.DATABASE_URL

    def _stop(self) -> None:
        loop, services, thread = self._loop, self._services, self._thread
        self._loop = self._services = self._thread = None
        if loop is None or services is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(services.close(), loop).result(TIMEOUT_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


inline = InlineLoop()
