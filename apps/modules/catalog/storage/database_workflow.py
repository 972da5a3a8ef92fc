"""Queries and changes a database of the tenant's own.

`driver: sqlite` is a file that Weft keeps for this module; `driver: postgres` is the tenant's server, its address in a
secret (`dsn: ${ORDERS_DSN}`, also written `connectionString`, then without a driver). As a step it takes one `action`:

- `query` `{sql, args}` returns `{columns, rows, count}`, `execute` `{sql, args}` returns `{rowsAffected}`
- `insert` `{table, data}`, `update` `{table, data, where}`, `delete` `{table, where}` return `{rowsAffected}`

Values always travel apart from the SQL (`$1`, `$2`, ...). `where` is a map: a value must be equal, a list means any of
these, null means absent. An update or delete without `where` is refused unless the step says `everyRow: true`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema

from apps.engine.config_types import SettingsModel, TemplateText, WholeNumber
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort, require_one_of
from apps.engine.outcome import Rejected
from apps.engine.ports import Database
from apps.engine.step_input import read_input

DRIVERS = {"sqlite": "sqlite", "sqlite3": "sqlite", "postgres": "postgres", "postgresql": "postgres", "pgx": "postgres"}
BAD_REQUEST = "database.bad_request"
IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)*")


def _driver(value: Any) -> Any:
    return DRIVERS.get(value, value) if isinstance(value, str) else value


class DatabaseWorkflowConfig(SettingsModel):
    """Settings of `database.workflow`."""

    driver: Annotated[Literal["sqlite", "postgres", "mysql"], BeforeValidator(_driver)] = Field(
        description="sqlite, postgres or mysql.", json_schema_extra={"enum": [*DRIVERS, "mysql"]}
    )
    dsn: TemplateText = Field(
        min_length=1,
        validation_alias=AliasChoices("dsn", "connectionString"),
        description="Name of the file, or address of the server as ${SECRET}.",
    )
    max_open_conns: WholeNumber = Field(25, ge=1, le=1000, description="Connections at most.")
    max_idle_conns: WholeNumber = Field(5, ge=0, le=1000, description="Connections kept open without work.")

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


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class DatabaseRequest(BaseModel):
    """What a step asks of a database."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["query", "execute", "insert", "update", "delete"]
    sql: str = ""
    args: Annotated[list[Any], BeforeValidator(_as_list)] = []
    table: str = ""
    data: dict[str, Any] = {}
    where: dict[str, Any] = {}
    every_row: bool = Field(False, alias="everyRow")


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
        asked = read_input(DatabaseRequest, payload, asked="The database cannot do this.", code=BAD_REQUEST)
        database = await self._open(context)
        if asked.action == "query":
            return await database.query(_sql(asked), asked.args)
        if asked.action == "execute":
            return {"rowsAffected": await database.execute(_sql(asked), asked.args)}
        statement, args = _STATEMENTS[asked.action](asked)
        return {"rowsAffected": await database.execute(statement, args)}

    async def health(self, context: Context) -> tuple[str, str]:
        """Report whether the database answers."""
        await (await self._open(context)).query("select 1")
        return "healthy", ""

    async def _open(self, context: Context) -> Database:
        dsn = await self._dsn.fill(context)
        return context.unit.databases.open(self.name, self.config.driver, str(dsn))


def _refused(pointer: str, message: str) -> Rejected:
    return Rejected(message, errors=[{"pointer": pointer, "message": message}], code=BAD_REQUEST, status=422)


def _sql(asked: DatabaseRequest) -> str:
    if not asked.sql.strip():
        raise _refused("/sql", f"{asked.action} needs sql.")
    return asked.sql


def _table(asked: DatabaseRequest) -> str:
    return _identifier(asked.table, "/table")


def _identifier(name: str, pointer: str) -> str:
    if not IDENTIFIER.fullmatch(name):
        raise _refused(pointer, f"{name!r} is not a name of a table or column.")
    return name


def _insert(asked: DatabaseRequest) -> tuple[str, list[Any]]:
    columns = sorted(_columns(asked.data, "/data"))
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    statement = f"insert into {_table(asked)} ({', '.join(columns)}) values ({places})"  # noqa: S608 - names are checked
    return statement, [asked.data[column] for column in columns]


def _update(asked: DatabaseRequest) -> tuple[str, list[Any]]:
    columns = sorted(_columns(asked.data, "/data"))
    args = [asked.data[column] for column in columns]
    changes = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, 1))
    return f"update {_table(asked)} set {changes}{_where(asked, args)}", args  # noqa: S608 - names are checked


def _delete(asked: DatabaseRequest) -> tuple[str, list[Any]]:
    args: list[Any] = []
    return f"delete from {_table(asked)}{_where(asked, args)}", args  # noqa: S608 - names are checked


_STATEMENTS = {"insert": _insert, "update": _update, "delete": _delete}


def _columns(data: dict[str, Any], pointer: str) -> list[str]:
    if not data:
        raise _refused(pointer, "At least one column is needed.")
    return [_identifier(name, f"{pointer}/{name}") for name in data]


def _where(asked: DatabaseRequest, args: list[Any]) -> str:
    """Return the where clause, adding its values to `args`; refuse to touch every row by accident."""
    if not asked.where:
        if asked.every_row:
            return ""
        raise _refused("/where", f"A {asked.action} without where changes every row; say everyRow: true to mean it.")
    tests = []
    for name in sorted(asked.where):
        column, value = _identifier(name, f"/where/{name}"), asked.where[name]
        if value is None:
            tests.append(f"{column} is null")
        elif isinstance(value, list):
            tests.append(f"{column} in ({_places(value, args)})" if value else "1 = 0")
        else:
            tests.append(f"{column} = {_places([value], args)}")
    return " where " + " and ".join(tests)


def _places(values: list[Any], args: list[Any]) -> str:
    start = len(args) + 1
    args += values
    return ", ".join(f"${number}" for number in range(start, len(args) + 1))
