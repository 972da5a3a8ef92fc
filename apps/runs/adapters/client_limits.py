"""How often one client address may call within a second: a count per address, forgotten with the second."""

import time

MOST_CLIENTS = 100_000


class ClientLimits:
    """Fixed windows of one second; `rate` 0 lets everybody through."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._second = 0
        self._counts: dict[str, int] = {}

    def allows(self, client: str) -> bool:
        """Count one call; say whether it is within the rate."""
        if not self._rate:
            return True
        second = int(time.monotonic())
        if second != self._second or len(self._counts) > MOST_CLIENTS:
            self._second = second
            self._counts.clear()
        count = self._counts.get(client, 0) + 1
        self._counts[client] = count
        return count <= self._rate
