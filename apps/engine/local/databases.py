"""Databases for `wfctl run` and tests: SQLite files where the document says, or memory; servers are in `postgres.py`.

A path is the document's own, relative to its folder or absolute, as for every other file it names on this machine
(spec/modules.md 3.5 keeps host paths from tenants, who are not here). Statements are fenced in: they reach one file.
"""

import re
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apps.engine.local.postgres import PostgresDatabase
from apps.engine.outcome import StepFailed
from apps.engine.ports import Database

SECONDS = 5.0
PLACEHOLDER = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*)|\$(\d+)")
_REFUSED = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}


def numbered(sql: str) -> str:
    """Rewrite `$1` as `?1`, outside of quotes and comments."""
    return PLACEHOLDER.sub(lambda found: found[1] or f"?{found[2]}", sql)


def _authorize(action: int, first: str | None, second: str | None, name: str | None, trigger: str | None) -> int:
    if action in _REFUSED or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


class SqliteDatabase:
    """One database; every call is its own transaction and ends within `SECONDS`."""

    def __init__(self, target: str) -> None:
        self._connection = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
        self._connection.set_authorizer(_authorize)

    async def query(self, sql: str, args: Sequence[Any] = ()) -> dict[str, Any]:
        """Return `{columns, rows, count}`."""
        cursor = self._execute(sql, args)
        columns = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        return {"columns": columns, "rows": rows, "count": len(rows)}

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Return the number of rows changed; a statement that changes none by its nature has 0."""
        return max(self._execute(sql, args).rowcount, 0)

    def _execute(self, sql: str, args: Sequence[Any]) -> sqlite3.Cursor:
        deadline = time.monotonic() + SECONDS
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            return self._connection.execute(numbered(sql), tuple(args))
        except sqlite3.Error as error:
            raise StepFailed(f"The database refused: {error}", code="database.refused") from None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class LocalDatabases:
    """Databases by module: where the document says, files as seen from `folder`; in memory when there is no folder."""

    def __init__(self, folder: Path | None, scope: str) -> None:
        self._folder = folder
        self._scope = scope
        self._open: dict[str, SqliteDatabase] = {}

    def open(self, module: str, driver: str, dsn: str) -> Database:
        """Return the database of the named module."""
        if driver in ("postgres", "postgresql", "pgx"):
            return PostgresDatabase(dsn, self._folder)
        if driver not in ("sqlite", "sqlite3"):
            raise StepFailed(f"{driver} databases are not served here.", code="database.unsupported_driver")
        if module not in self._open:
            try:
                self._open[module] = SqliteDatabase(self._target(dsn))
            except sqlite3.Error as error:
                raise StepFailed(f"The database cannot be opened: {error}", code="database.path") from None
        return self._open[module]

    def _target(self, dsn: str) -> str:
        name = dsn.removeprefix("file:").partition("?")[0]
        if self._folder is None or name in ("", ":memory:"):
            return ":memory:"
        file = (self._folder / name).resolve()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StepFailed(f"The database file cannot be made: {problem.strerror}.", code="database.path") from None
        return str(file)

    def close(self) -> None:
        """Close all files."""
        for database in self._open.values():
            database.close()
        self._open.clear()
