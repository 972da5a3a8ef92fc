"""Connector `database`: an action is `query`, `execute`, `insert`, `update` or `delete` (spec/modules.md 9.4)."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from apps.engine.config_types import SettingsModel, TemplateText, WholeNumber
from apps.engine.connectors.base import BadAction, Fault
from apps.engine.database_requests import ACTIONS, perform, read_request
from apps.engine.late_text import LateText
from apps.engine.module import Context, Effect

DRIVERS = {"sqlite": "sqlite", "sqlite3": "sqlite", "postgres": "postgres", "postgresql": "postgres", "pgx": "postgres"}
SECONDS = 30.0


class DatabaseConnectorConfig(SettingsModel):
    """Settings of a `database` connector."""

    driver: str = Field(min_length=1)
    dsn: TemplateText = Field(min_length=1)
    max_open_conns: WholeNumber = Field(25, ge=0, le=1000)


class DatabaseConnector:
    """A database of the tenant's own."""

    Config = DatabaseConnectorConfig

    def __init__(self, name: str, config: DatabaseConnectorConfig) -> None:
        self.name = name
        self.config = config
        self.dsn = LateText(config.dsn)

    def faults(self) -> Iterable[Fault]:
        """Return a driver that this build does not have."""
        if self.config.driver not in DRIVERS:
            known = ", ".join(DRIVERS)
            yield "driver", "section.invalid", f"There is no driver {self.config.driver!r}; use one of {known}."

    def prepare(self, action: str) -> "DatabaseCall":
        """Read the name of an action."""
        name = action.strip().lower()
        if name not in ACTIONS:
            raise BadAction(f"{action!r} is no action of a database; use one of {', '.join(sorted(ACTIONS))}.")
        return DatabaseCall(self, name)


class DatabaseCall:
    """One action of a database."""

    timeout_seconds = SECONDS

    def __init__(self, connector: DatabaseConnector, action: str) -> None:
        self._connector = connector
        self._action = action
        self.effect = Effect.IDEMPOTENT if action == "query" else Effect.ONCE

    def gate(self, context: Context) -> float:
        """Let every call through."""
        return 0.0

    async def call(self, payload: dict[str, Any], context: Context) -> Any:
        """Do one statement."""
        asked = read_request({**payload, "action": self._action})
        config, dsn = self._connector.config, str(await self._connector.dsn.fill(context))
        database = context.unit.databases.open(f"connector:{self._connector.name}", DRIVERS[config.driver], dsn)
        return await perform(database, asked)
