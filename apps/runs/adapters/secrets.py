"""Secrets at the last moment (`engine.ports.Secrets`): looked up per use, and kept out of what is shown."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from apps.engine.outcome import StepFailed
from apps.runs.adapters.place import Place

Lookup = Callable[[UUID, UUID, str], Awaitable[str | None]]  # tenant, environment, name


class PlaceSecrets:
    """The secrets of one environment."""

    def __init__(self, lookup: Lookup, place: Place) -> None:
        self._lookup = lookup
        self._place = place

    async def get(self, name: str) -> str:
        """Return the value of `NAME` or `NAME#version`; raise `StepFailed` code `secret.missing`."""
        value = await self._lookup(self._place.tenant_id, self._place.environment_id, name)
        if value is None:
            raise StepFailed(_missing(name, self._place.environment), code="secret.missing")
        self._place.known.use(value)
        return value


def _missing(reference: str, environment: str) -> str:
    name, _, version = reference.partition("#")
    if version:
        return f"The secret {name} has no version {version} in {environment}."
    return f"The secret {name} is not set in {environment}."
