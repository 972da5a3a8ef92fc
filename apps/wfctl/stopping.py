"""A server that Ctrl-C and SIGTERM stop in order."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

import uvicorn


class Server(uvicorn.Server):
    """Stops in order when told to, and then is done: uvicorn's own way ends the process by the signal.

    `announce` is called once it listens to being told: whoever reads it may send the signal at once.
    """

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen for Ctrl-C and SIGTERM while serving."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        try:
            self._announce()
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
