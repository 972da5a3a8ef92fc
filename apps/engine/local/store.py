"""One SQLite file (or memory) with everything `wfctl run` and the tests keep: one connection, one writer."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson

SCHEMA = """
create table if not exists resource (
    position integer primary key, scope text not null, kind text not null, key text not null, data blob not null,
    state text, created_at text, updated_at text, expires_at text, unique (scope, kind, key));
create table if not exists instance (
    scope text not null, machine text not null, key text not null, state text not null, previous_state text,
    data blob not null, completed integer not null, error text, sequence integer not null, started_at text,
    updated_at text, primary key (scope, machine, key));
create table if not exists transition (
    scope text not null, machine text not null, key text not null, sequence integer not null, transition text not null,
    from_state text not null, to_state text not null, data blob not null, at text not null,
    primary key (scope, machine, key, sequence));
create table if not exists message (
    position integer primary key, id text not null unique, scope text not null, topic text not null, key text,
    payload blob not null, headers blob not null, at text not null);
create table if not exists run (
    position integer primary key, id text not null unique, scope text not null, entry text not null,
    source text not null, section text not null, action text not null, workflow text not null, correlation text,
    parent text, request_id text not null default '', lane text, input blob, state blob, status text not null,
    ready_at text, steps blob not null default '[]', output blob, error blob, http_status integer,
    idempotency_key text, started_at text not null, finished_at text, unique (scope, idempotency_key));
create index if not exists run_ready on run (ready_at) where ready_at is not null;
create index if not exists run_lane on run (scope, lane, position) where lane is not null and ready_at is not null;
create table if not exists effect (
    scope text not null, step_id text not null, attempt integer not null, kind text not null, effect text not null,
    key text not null, at text not null, receipt blob, primary key (scope, step_id, attempt));
create table if not exists schedule (
    scope text not null, name text not null, timetable text not null, next_at text not null, last_at text,
    primary key (scope, name));
create table if not exists arrival (
    scope text not null, identity text not null, at text not null, primary key (scope, identity));
"""


def encode(value: Any) -> bytes:
    """Return the stored form of a JSON value."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str)


def decode(stored: bytes | str | None) -> Any:
    """Return a JSON value from its stored form."""
    return None if stored is None else orjson.loads(stored)


def write_time(moment: datetime | None) -> str | None:
    """Return a time as text that sorts."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_time(stored: str | None) -> datetime | None:
    """Return a time from `write_time`."""
    return None if stored is None else datetime.fromisoformat(stored)


class Store:
    """The connection. Statements are short and never awaited in between, so units do not see each other half done."""

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        if path != ":memory:":
            self._connection.execute("pragma journal_mode = wal")
        self._connection.executescript(SCHEMA)
        self._add_missing("resource", "expires_at", "text")

    def _add_missing(self, table: str, column: str, kind: str) -> None:
        """Give a file that an earlier build made the columns that have come since."""
        known = {row["name"] for row in self.rows(f"pragma table_info({table})")}
        if column not in known:
            self.run(f"alter table {table} add column {column} {kind}")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """Return the first row of a query."""
        found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement and return the number of rows changed."""
        return self._connection.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside become visible together, or none."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


Write = Callable[[Store], None]
