"""What a step may ask of a tenant's database, and the SQL that does it (spec/modules.md 9.4).

Values always travel apart from the SQL (`$1`, `$2`, ...), names of tables and columns are checked, and an update or
delete that would touch every row is refused unless the step says `everyRow: true`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from apps.engine.outcome import Rejected
from apps.engine.ports import Database
from apps.engine.step_input import read_input

BAD_REQUEST = "database.bad_request"
IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)*")
ACTIONS = frozenset({"query", "execute", "insert", "update", "delete"})


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


def read_request(payload: Any) -> DatabaseRequest:
    """Read what a step asks; raise `Rejected` (422) with every fault."""
    return read_input(DatabaseRequest, payload, asked="The database cannot do this.", code=BAD_REQUEST)


async def perform(database: Database, asked: DatabaseRequest) -> dict[str, Any]:
    """Do one action; return rows as `{columns, rows, count}` or `{rowsAffected}`."""
    if asked.action == "query":
        return await database.query(_sql(asked), asked.args)
    if asked.action == "execute":
        return {"rowsAffected": await database.execute(_sql(asked), asked.args)}
    statement, args = _STATEMENTS[asked.action](asked)
    return {"rowsAffected": await database.execute(statement, args)}


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
        raise _refused("/where", f"Without where, {asked.action} changes every row; say everyRow: true to mean it.")
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
