"""Which connector a document means by `type`."""

from typing import Any

from apps.engine.connectors.database_connector import DatabaseConnector
from apps.engine.connectors.http_connector import HttpConnector
from apps.engine.connectors.webhook_connector import WebhookConnector

AnyConnector = HttpConnector | DatabaseConnector | WebhookConnector

KINDS: dict[str, type[HttpConnector] | type[DatabaseConnector] | type[WebhookConnector]] = {
    "http": HttpConnector,
    "rest": HttpConnector,
    "api": HttpConnector,
    "database": DatabaseConnector,
    "webhook": WebhookConnector,
}


def make_connector(name: str, kind: str, config: dict[str, Any]) -> AnyConnector:
    """Return a connector; raise pydantic's `ValidationError` for a config that is none."""
    known = {key: value for key, value in config.items() if not key.startswith("x-")}
    found: Any = KINDS[kind]
    made: AnyConnector = found(name, found.Config.model_validate(known))
    return made
