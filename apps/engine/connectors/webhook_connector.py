"""Connector `webhook`: an address of this document that others post events to; a step on it does nothing.

An event is a JSON object or a form; its `type` says what it is, `default` stands for all others. `handlers` names, by
type, the module, pipeline or topic that takes it in; without an entry it goes to the topic `<connector>.<type>`.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import Field, field_validator

from apps.engine.config_types import SettingsModel, WholeNumber
from apps.engine.connectors.base import Fault
from apps.engine.module import Context, Effect
from apps.engine.routes import segments


class WebhookConnectorConfig(SettingsModel):
    """Settings of a `webhook` connector."""

    path: str = Field(min_length=1)
    port: WholeNumber = Field(8080, ge=0, le=65535)
    handlers: dict[str, str] = Field(default_factory=dict)

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return value if value.startswith("/") else f"/{value}"


class WebhookConnector:
    """A receiver of events."""

    Config = WebhookConnectorConfig

    def __init__(self, name: str, config: WebhookConnectorConfig) -> None:
        self.name = name
        self.config = config

    def faults(self) -> Iterable[Fault]:
        """Return a path with parameters: an event's address is one address."""
        if any("{" in part or "}" in part for part in segments(self.config.path)):
            yield "path", "section.invalid", "The path of a webhook has no parameters."

    def prepare(self, action: str) -> "WebhookCall":
        """Take any action."""
        return WebhookCall()


class WebhookCall:
    """Nothing: events come in here, none go out."""

    effect = Effect.PURE
    timeout_seconds = 30.0

    def gate(self, context: Context) -> float:
        """Let every call through."""
        return 0.0

    async def call(self, payload: dict[str, Any], context: Context) -> Any:
        """Return an empty result."""
        return {}
