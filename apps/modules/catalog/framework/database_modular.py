"""Named connections to databases of the tenant's own.

`connections` holds one `{driver, dsn}` for each name, and `default` says which is meant when a step does not name one;
with a single database `driver` and `dsn` may stand by themselves. `sqlite` is a file that Weft keeps, `postgres` the
tenant's server, its address in a secret (`dsn: ${ORDERS_DSN}`). As a step it takes what `database.workflow` takes, and
`connection`: `{connection: reports, action: query, sql: "select ...", args: [...]}`.
"""

from typing import Any

from pydantic import AliasChoices, ConfigDict, Field
from pydantic.alias_generators import to_camel

from apps.engine.config_types import IS_LATE, Seconds, SettingsModel, TemplateText, WholeNumber
from apps.engine.database_requests import BAD_REQUEST, DatabaseRequest, perform
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModuleConfig, ModulePort
from apps.engine.outcome import Rejected
from apps.engine.ports import Database
from apps.engine.step_input import read_input
from apps.modules.catalog.storage._drivers import Driver

ONLY = "default"


def _spelled(name: str) -> AliasChoices:
    return AliasChoices(name, to_camel(name))


class Connection(ModuleConfig):
    """One connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: Driver = Field(description="sqlite, postgres or mysql.")
    dsn: TemplateText = Field(min_length=1, description="Name of the file, or address of the server as ${SECRET}.")
    max_open_connections: WholeNumber = Field(
        25,
        ge=0,
        validation_alias=_spelled("max_open_connections"),
        description="Accepted; every statement has a connection of its own.",
    )
    max_idle_connections: WholeNumber = Field(
        5,
        ge=0,
        validation_alias=_spelled("max_idle_connections"),
        description="Accepted; none stays open without work.",
    )
    connection_max_lifetime: Seconds = Field(
        0.0, validation_alias=_spelled("connection_max_lifetime"), description="Accepted; it ends with its statement."
    )
    connection_max_idle_time: Seconds = Field(
        0.0,
        validation_alias=_spelled("connection_max_idle_time"),
        description="Accepted; none stays open without work.",
    )
    aws_iam_auth: dict[str, Any] | None = Field(
        None,
        validation_alias=_spelled("aws_iam_auth"),
        description="Sign in by AWS IAM; not part of this build.",
        json_schema_extra=IS_LATE,
    )


class DatabaseModularConfig(SettingsModel):
    """Settings of `database.modular`."""

    connections: dict[str, Connection] = Field(default_factory=dict, description="The connections by name.")
    default: str = Field("", description="The connection that is meant when a step names none.")
    driver: Driver | None = Field(None, description="The driver of the only connection.")
    dsn: TemplateText | None = Field(None, min_length=1, description="The file or address of the only connection.")


class ConnectionRequest(DatabaseRequest):
    """What a step asks of one of the connections."""

    connection: str = ""


class DatabaseModular(Module[DatabaseModularConfig]):
    """Databases of the tenant's own, by name."""

    kind = "database.modular"
    aliases = ("database",)
    title = "Databases"
    category = Category.FRAMEWORK
    Config = DatabaseModularConfig
    effect = Effect.ONCE
    inputs = (ModulePort("request", "data", "`{connection, action, ...}`."),)
    outputs = (ModulePort("result", "data", "Rows, or how many were changed."),)

    def __init__(self, name: str, config: DatabaseModularConfig) -> None:
        super().__init__(name, config)
        self._connections = dict(config.connections)
        if config.driver is not None and config.dsn is not None:
            self._connections.setdefault(config.default or ONLY, Connection(driver=config.driver, dsn=config.dsn))
        self._dsns = {each: LateText(connection.dsn) for each, connection in self._connections.items()}
        only = next(iter(self._connections)) if len(self._connections) == 1 else ""
        self._default = config.default or only or (ONLY if ONLY in self._connections else "")

    def problems(self) -> list[tuple[str, str, str]]:
        """Say what is missing, which name means nothing, and what this build does not have."""
        found: list[tuple[str, str, str]] = []
        if not self._connections:
            found.append(("connections", "config.required", "At least one connection is needed, or driver and dsn."))
        if self.config.default and self.config.default not in self._connections:
            names = ", ".join(self._connections) or "none"
            message = f"There is no connection {self.config.default!r}; there are: {names}."
            found.append(("default", "reference.unknown", message))
        for name, connection in self._connections.items():
            place = f"connections.{name}." if name in self.config.connections else ""
            if connection.driver == "mysql":
                message = "MySQL is not part of this build; use sqlite or postgres."
                found.append((f"{place}driver", "config.invalid", message))
            if connection.aws_iam_auth and connection.aws_iam_auth.get("enabled", True) is not False:
                message = "Signing in by AWS IAM is not part of this build; put a password into the dsn's secret."
                found.append((f"{place}aws_iam_auth", "config.invalid", message))
        return found

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Do one action on one connection."""
        asked = read_input(ConnectionRequest, payload, asked="The database cannot do this.", code=BAD_REQUEST)
        return await perform(await self._open(asked.connection or self._default, context), asked)

    async def health(self, context: Context) -> tuple[str, str]:
        """Report whether every database answers."""
        for name in self._connections:
            await (await self._open(name, context)).query("select 1")
        return "healthy", ""

    async def _open(self, name: str, context: Context) -> Database:
        connection = self._connections.get(name)
        if connection is None:
            known = ", ".join(sorted(self._connections))
            message = f"Which connection? There are: {known}."
            errors = [{"pointer": "/connection", "message": message}]
            raise Rejected(message, errors=errors, code=BAD_REQUEST, status=422)
        dsn = await self._dsns[name].fill(context)
        return context.unit.databases.open(f"{self.name}.{name}", connection.driver, str(dsn))
