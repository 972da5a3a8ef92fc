"""Time as the database tells it, without a round trip: this process's clock plus the measured difference."""

import random
from datetime import UTC, datetime, timedelta


class DatabaseClock:
    """`engine.ports.Clock`; `adjust` is called with every `weft_now()` that a query brings along."""

    def __init__(self) -> None:
        self._difference = timedelta(0)
        self._random = random.SystemRandom()

    def adjust(self, database_now: datetime) -> None:
        """Take over the database's time."""
        self._difference = database_now - datetime.now(UTC)

    def now(self) -> datetime:
        """Return the time, aware, UTC."""
        return datetime.now(UTC) + self._difference

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._random.random()
