"""The machine around `wfctl run`: its clock, its environment, its network."""

import os
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from apps.engine.local.outbound import HttpClient
from apps.engine.outcome import StepFailed
from apps.engine.ports import Secrets
from apps.engine.redaction import KnownSecrets

LARGEST_REPLY = 10 * 1_048_576


class SystemClock:
    """The machine's time and chance; chance with a seed falls out the same each time (spec/modules.md 8.4)."""

    def __init__(self, seed: int | None = None) -> None:
        self._chance = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - asked for

    def now(self) -> datetime:
        """Return the time, aware, UTC."""
        return datetime.now(UTC)

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self._chance.random()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()


class EnvironmentSecrets:
    """`${NAME}` is the environment variable NAME."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    async def get(self, name: str) -> str:
        """Return the value, which has no versions; raise `StepFailed` code `secret.missing`."""
        value = self._environment.get(name)
        if value is None:
            bare, _, version = name.partition("#")
            why = f"{bare} has no version {version}" if version else f"{name} is not set"
            raise StepFailed(f"The environment variable {why}.", code="secret.missing")
        return value


class NotedSecrets:
    """Secrets of elsewhere; what is handed out is known from then on, so that it is not shown."""

    def __init__(self, secrets: Secrets, known: KnownSecrets) -> None:
        self._secrets = secrets
        self._known = known

    async def get(self, name: str) -> str:
        """Return the value as its source does."""
        value = await self._secrets.get(name)
        self._known.use(value)
        return value


class OutboundHttp(HttpClient):
    """The way out of `wfctl run`: any address may be reached, its own machine too; bodies are capped."""

    def __init__(self, largest: int = LARGEST_REPLY) -> None:
        super().__init__(lambda host, port, address: True, largest=largest)
