"""What every connector of the `integration` section is: something outside that steps act upon (spec/modules.md 4.6)."""

from collections.abc import Iterable
from typing import Any, Protocol

from pydantic import BaseModel

from apps.engine.module import Context, Effect

Fault = tuple[str, str, str]  # key inside the config, code, message


class ConnectorCall(Protocol):
    """One action of one connector, read once."""

    effect: Effect
    timeout_seconds: float

    def gate(self, context: Context) -> float:
        """Return 0.0 when it may be called now, else the seconds until it may."""

    async def call(self, payload: dict[str, Any], context: Context) -> Any:
        """Do it once; raise `TryAgain` or `StepFailed`."""


class Connector(Protocol):
    """One configured connector."""

    Config: type[BaseModel]
    name: str

    def prepare(self, action: str) -> ConnectorCall:
        """Read an action; raise `BadAction`."""

    def faults(self) -> Iterable[Fault]:
        """Return what no single key of the config shows."""


class BadAction(ValueError):
    """The action is none of the connector's."""
