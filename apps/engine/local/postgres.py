"""Postgres databases for `wfctl run`: the server that the document's DSN names, one connection per statement.

What a document sees of it is the same as hosted (`runs/adapters/databases.py`): placeholders, values, rows, codes of
failures, one transaction per statement, a deadline on the server and here. The driver speaks the server's protocol by
itself: no libpq that would look into the environment, and the types of arguments are said, as psycopg says them.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from struct import error as StructError
from typing import Any

from apps.engine.local.postgres_dsn import PostgresAddress, address_in
from apps.engine.local.postgres_values import READERS, sent
from apps.engine.local.postgres_wire import connected, hung_up
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.postgres_session import ENCODING, session_options

DEADLINE_SECONDS = 10.0
MOST_ROWS = 10_000
MOST_ARGS = 65_535
ROWS, ROW, ENDED, COPY_IN, COPY_OUT = b"T", b"D", b"C", b"G", b"H"  # of the protocol's messages
# Failures of the server rather than of the statement, by the first two letters of their code.
PASSING = frozenset({"08", "27", "28", "2F", "38", "39", "3B", "40", "53", "54", "55", "57", "58", "F0", "HV"})


class PostgresDatabase:
    """One database of a server; `folder` is where files that the DSN names are looked for."""

    def __init__(self, dsn: str, folder: Path | None) -> None:
        self._dsn = dsn
        self._folder = folder

    async def query(self, sql: str, args: Sequence[Any] = ()) -> dict[str, Any]:
        """Return `{columns, rows, count}`."""
        answer = await self._run(sql, args, rows_wanted=True)
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        return {"columns": answer.columns, "rows": rows, "count": len(rows)}

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Return the number of rows changed."""
        return max((await self._run(sql, args, rows_wanted=False)).changed, 0)

    async def _run(self, sql: str, args: Sequence[Any], *, rows_wanted: bool) -> "_Answer":
        talk = _Talk(address_in(self._dsn), self._folder)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS * 2):
                return await asyncio.to_thread(talk.ask, sql, args, rows_wanted)
        except TimeoutError:
            raise TryAgain("The database does not answer: TimeoutError", code="database.busy") from None
        finally:
            talk.give_up()


class _Talk:
    """One connection and one transaction, in a thread; who waits for it may give it up."""

    def __init__(self, address: PostgresAddress, folder: Path | None) -> None:
        self._address = address
        self._folder = folder
        self._socket: socket.socket | None = None
        self._given_up = False

    def give_up(self) -> None:
        """End the connection."""
        self._given_up = True
        if self._socket is not None:
            hung_up(self._socket)

    def ask(self, sql: str, args: Sequence[Any], rows_wanted: bool) -> "_Answer":
        """Do one statement, and commit what it did."""
        texts = _arguments(sql, args)
        connection = self._signed_in()
        answer = _Answer(connection)
        try:
            connection.execute_simple("begin")
            answer.listen()
            if texts:
                connection.execute_unnamed(sql, [text for _, text in texts], [oid for oid, _ in texts])
            else:
                connection.execute_simple(sql)
            if rows_wanted and not answer.described:
                raise StepFailed("The database refused: the statement gives no rows.", code="database.refused")
            connection.execute_simple("commit")
        except (StepFailed, TryAgain):
            raise
        except Exception as error:
            raise _failure(error) from None
        finally:
            with suppress(Exception):  # it is given up, whatever is wrong with it
                connection.close()
        return answer

    def _signed_in(self) -> Any:
        from pg8000.core import CoreConnection  # noqa: PLC0415 - other verbs than `run` do without

        self._socket = connected(self._address, self._folder, DEADLINE_SECONDS * 2)
        if self._given_up:
            self._socket.close()
            raise TryAgain("The database does not answer: TimeoutError", code="database.busy")
        try:
            return CoreConnection(
                self._address.user,
                database=self._address.database,
                password=self._address.password,
                application_name=self._address.application,
                startup_params={"options": session_options(DEADLINE_SECONDS), "client_encoding": ENCODING},
                sock=self._socket,
                ssl_context=False,
            )
        except Exception as error:
            self._socket.close()
            kind = type(error).__name__
            raise TryAgain(f"The database does not answer: {kind}", code="database.busy") from None


class _Answer:
    """The first result of what was sent: a text without arguments may hold several statements."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.columns: list[str] = []
        self.rows: list[list[Any]] = []
        self.changed = -1
        self.described = False
        self._ended = False

    def listen(self) -> None:
        """Read what comes from now on."""
        self._connection.pg_types.clear()
        self._connection.pg_types.update(READERS)
        taken = {ROWS: self._describe, ROW: self._take, ENDED: self._end, COPY_IN: _refuse, COPY_OUT: _refuse}
        self._connection.message_types.update(taken)

    def _describe(self, data: bytes, context: Any) -> None:
        if not self._ended:
            self._connection.handle_ROW_DESCRIPTION(data, context)
            self.columns = [column["name"] for column in context.columns]
            self.described = True

    def _take(self, data: bytes, context: Any) -> None:
        if not self._ended and len(self.rows) < MOST_ROWS:
            self._connection.handle_DATA_ROW(data, context)
            self.rows = context.rows

    def _end(self, data: bytes, context: Any) -> None:
        if not self._ended:
            self._connection.handle_COMMAND_COMPLETE(data, context)
            self.changed = context.row_count
            self._ended = True


def _refuse(data: bytes, context: Any) -> None:
    raise StepFailed("The database refused: COPY has nowhere to go.", code="database.refused")


def _arguments(sql: str, args: Sequence[Any]) -> list[tuple[int, str | None]]:
    try:
        if "\0" in sql or len(args) > MOST_ARGS:
            raise ValueError("the statement cannot be sent")
        return [sent(value) for value in args]
    except ValueError as error:
        raise StepFailed(f"The database refused: {error}", code="database.refused") from None


def _failure(error: Exception) -> StepFailed | TryAgain:
    """Tell a server that does not answer from one that refuses."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else None
    if told is not None and str(told.get("C", ""))[:2] not in PASSING:
        lines = [told.get("M", ""), *(f"{name}:  {told[key]}" for key, name in _FURTHER.items() if key in told)]
        return StepFailed("The database refused: " + "\n".join(lines), code="database.refused")
    if told is None and isinstance(error, ValueError | StructError):
        return StepFailed(f"The database refused: {error}", code="database.refused")
    return TryAgain(f"The database does not answer: {type(error).__name__}", code="database.busy")


_FURTHER = {"D": "DETAIL", "H": "HINT"}
