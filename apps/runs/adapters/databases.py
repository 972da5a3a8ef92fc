"""Databases of tenants (`database.workflow`): never a connection of the product (data.md 2).

`sqlite` is a managed file per tenant, environment, workflow and module, opened with an authorizer that refuses
ATTACH, extensions and file pragmas, with a deadline and a page quota. `postgres` is the tenant's own server, reached
through the outbound guard.
"""

import asyncio
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg.types.datetime import TimetzLoader
from psycopg.types.json import set_json_loads

from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import Database
from apps.engine.postgres_session import ENCODING, session_options
from apps.runs.adapters.place import Place
from apps.runs.adapters.tenant_dsn import parameters_of

DEADLINE_SECONDS = 10.0
PAGE_BYTES = 4096
MOST_PAGES = 25_600  # 100 MiB
MOST_ROWS = 10_000
STEPS_BETWEEN_LOOKS = 10_000
PLACEHOLDER = re.compile(r"\$(\d+)")
ALLOWED_PRAGMAS = frozenset({"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_keys"})
REFUSED_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})

Guard = Callable[[str, int], Awaitable[str]]  # host, port -> the address to connect to; raises StepFailed


class TenantDatabases:
    """`engine.ports.Databases` for one place."""

    def __init__(self, folder: Path, guard: Guard, place: Place) -> None:
        self._folder = folder
        self._guard = guard
        self._place = place

    def open(self, module: str, driver: str, dsn: str) -> Database:
        """Return the database of the named module."""
        if driver in ("sqlite", "sqlite3"):
            return SqliteDatabase(self._file(module))
        if driver in ("postgres", "postgresql", "pgx"):
            return PostgresDatabase(dsn, self._guard)
        raise StepFailed(f"The driver {driver!r} is not available here.", code="database.driver")

    def _file(self, module: str) -> Path:
        tenant, environment, workflow = self._place.scope
        name = "".join(char if char.isalnum() or char in "-_" else f"%{ord(char):x}" for char in module)
        return self._folder / str(tenant) / str(environment) / str(workflow) / f"{name}.sqlite3"


class SqliteDatabase:
    """One managed file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def query(self, sql: str, args: Sequence[Any] = ()) -> dict[str, Any]:
        """Return `{columns, rows, count}`."""
        return await asyncio.to_thread(self._run, sql, args, _fetched)

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Return the number of rows changed."""
        changed: int = await asyncio.to_thread(self._run, sql, args, lambda cursor: max(cursor.rowcount, 0))
        return changed

    def _run(self, sql: str, args: Sequence[Any], read: Callable[[sqlite3.Cursor], Any]) -> Any:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=DEADLINE_SECONDS, check_same_thread=False)
        try:
            _fence(connection)
            with connection:
                return read(connection.execute(PLACEHOLDER.sub(r"?\1", sql), tuple(args)))
        except sqlite3.OperationalError as error:
            raise _sqlite_failure(error) from error
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise StepFailed(f"The database refused: {error}", code="database.refused") from error
        finally:
            connection.close()


class PostgresDatabase:
    """The tenant's own server; one connection per statement, with a deadline on the server and here."""

    def __init__(self, dsn: str, guard: Guard) -> None:
        self._dsn = dsn
        self._guard = guard

    async def query(self, sql: str, args: Sequence[Any] = ()) -> dict[str, Any]:
        """Return `{columns, rows, count}`."""

        async def read(cursor: psycopg.AsyncCursor[Any]) -> dict[str, Any]:
            columns = [column.name for column in cursor.description or ()]
            rows = await cursor.fetchmany(MOST_ROWS)
            return {
                "columns": columns,
                "rows": [dict(zip(columns, row, strict=True)) for row in rows],
                "count": len(rows),
            }

        result: dict[str, Any] = await self._run(sql, args, read)
        return result

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Return the number of rows changed."""

        async def changed(cursor: psycopg.AsyncCursor[Any]) -> int:
            return max(cursor.rowcount, 0)

        count: int = await self._run(sql, args, changed)
        return count

    async def _run(self, sql: str, args: Sequence[Any], read: Callable[[Any], Awaitable[Any]]) -> Any:
        said = parameters_of(self._dsn)
        address = await self._guard(said["host"], said["port"])
        said |= {"options": session_options(DEADLINE_SECONDS), "client_encoding": ENCODING}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS * 2):
                connection = await psycopg.AsyncConnection.connect(hostaddr=address, connect_timeout=5, **said)
                async with connection:
                    set_json_loads(orjson.loads, connection)
                    connection.adapters.register_loader("timetz", _TimeOfZone)
                    cursor = psycopg.AsyncRawCursor(connection)
                    await cursor.execute(sql.encode(), tuple(args))
                    return await read(cursor)
        except (psycopg.OperationalError, TimeoutError) as error:
            raise TryAgain(f"The database does not answer: {type(error).__name__}", code="database.busy") from error
        except (psycopg.Error, ValueError) as error:  # a text that is no UTF-8, JSON beyond what is read
            raise StepFailed(f"The database refused: {error}", code="database.refused") from error


class _TimeOfZone(TimetzLoader):
    """Reads a time with its zone as a text, since JSON has no other form for it."""

    def load(self, data: Any) -> Any:
        return super().load(data).isoformat()


def _fence(connection: sqlite3.Connection) -> None:
    """Bind a connection to its file, its time and its size."""
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma journal_mode = wal")
    connection.execute(f"pragma max_page_count = {MOST_PAGES}")
    connection.execute("pragma trusted_schema = off")
    ends = time.monotonic() + DEADLINE_SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > ends), STEPS_BETWEEN_LOOKS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024)
    connection.set_authorizer(_authorize)


def _authorize(action: int, first: str | None, second: str | None, *_: Any) -> int:
    if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in ALLOWED_PRAGMAS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in REFUSED_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _fetched(cursor: sqlite3.Cursor) -> dict[str, Any]:
    columns = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchmany(MOST_ROWS)
    return {"columns": columns, "rows": [dict(zip(columns, row, strict=True)) for row in rows], "count": len(rows)}


def _sqlite_failure(error: sqlite3.OperationalError) -> StepFailed | TryAgain:
    text = str(error)
    if "interrupted" in text:
        return StepFailed(f"The statement took over {DEADLINE_SECONDS:g} s.", code="database.timeout")
    if "locked" in text or "busy" in text:
        return TryAgain("The database is busy.", code="database.busy")
    if "full" in text:
        return StepFailed("The database has reached its size limit.", code="database.full")
    return StepFailed(f"The database refused: {text}", code="database.refused")
