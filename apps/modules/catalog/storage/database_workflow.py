"""Queries and changes a database of the tenant's own.

`driver: sqlite` is a file that Weft keeps for this module (under `wfctl run` the one that `dsn` names); `driver:
postgres` is the tenant's server, its address in a secret (`dsn: ${ORDERS_DSN}`, also written `connectionString`, then
without a driver): one host, a user, no files of this machine. As a step it takes one `action`:

- `query` `{sql, args}` returns `{columns, rows, count}`, `execute` `{sql, args}` returns `{rowsAffected}`
- `insert` `{table, data}`, `update` `{table, data, where}`, `delete` `{table, where}` return `{rowsAffected}`

Values always travel apart from the SQL (`$1`, `$2`, ...). `where` is a map: a value must be equal, a list means any of
these, null means absent. An update or delete without `where` is refused unless the step says `everyRow: true`.
"""

from typing import Any

from pydantic import AliasChoices, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from apps.engine.config_types import SettingsModel, TemplateText, WholeNumber
from apps.engine.database_requests import perform, read_request
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort, require_one_of
from apps.engine.ports import Database
from apps.modules.catalog.storage._drivers import Driver


class DatabaseWorkflowConfig(SettingsModel):
    """Settings of `database.workflow`."""

    driver: Driver = Field(description="sqlite, postgres or mysql.")
    dsn: TemplateText = Field(
        min_length=1,
        validation_alias=AliasChoices("dsn", "connectionString"),
        description="Name of the file, or address of the server as ${SECRET}.",
    )
    max_open_conns: WholeNumber = Field(
        25, ge=1, le=1000, description="Accepted; every statement has a connection of its own."
    )
    max_idle_conns: WholeNumber = Field(5, ge=0, le=1000, description="Accepted; none stays open without work.")

    @model_validator(mode="before")
    @classmethod
    def _server_by_connection_string(cls, values: Any) -> Any:
        if isinstance(values, dict) and "connectionString" in values and "driver" not in values:
            return {**values, "driver": "postgres"}
        return values

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say that `connectionString` needs no driver."""
        schema = super().__get_pydantic_json_schema__(core, handler)
        require_one_of(handler.resolve_ref_schema(schema), "driver", "driver", "connectionString")
        return schema


class DatabaseWorkflow(Module[DatabaseWorkflowConfig]):
    """A database of the tenant's own."""

    kind = "database.workflow"
    aliases = ("data.database",)
    title = "Database"
    category = Category.STORAGE
    Config = DatabaseWorkflowConfig
    effect = Effect.ONCE
    inputs = (ModulePort("request", "data", "`{action, ...}`."),)
    outputs = (ModulePort("result", "data", "Rows, or how many were changed."),)

    def __init__(self, name: str, config: DatabaseWorkflowConfig) -> None:
        super().__init__(name, config)
        self._dsn = LateText(config.dsn)

    def problems(self) -> list[tuple[str, str, str]]:
        """Say that a driver is not in this build."""
        if self.config.driver == "mysql":
            return [("driver", "config.invalid", "MySQL is not part of this build; use sqlite or postgres.")]
        return []

    async def run(self, payload: Any, context: Context) -> dict[str, Any]:
        """Do one action."""
        asked = read_request(payload)
        return await perform(await self._open(context), asked)

    async def health(self, context: Context) -> tuple[str, str]:
        """Report whether the database answers."""
        await (await self._open(context)).query("select 1")
        return "healthy", ""

    async def _open(self, context: Context) -> Database:
        dsn = await self._dsn.fill(context)
        return context.unit.databases.open(self.name, self.config.driver, str(dsn))
