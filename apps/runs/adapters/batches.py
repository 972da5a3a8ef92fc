"""Groups of rows, each stored by one message to the database and one back.

The statements of a whole transaction are sent at once, in libpq's pipeline mode, and the rows travel in them as one
binary array of a composite type. COPY would be a conversation: each turn waits until a busy event loop comes round
again, which is most of a group's time. And a table with row-level security takes no COPY, so rows would go through a
temporary table, whose dead rows cost a third of what the server did.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from apps.runs.adapters.pools import Connection, connect, hang_up

FAULTS = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})
NOT_MADE = (psycopg.errors.UndefinedObject, psycopg.errors.InvalidSqlStatementName)
BINARY = 1
BEGIN, COMMIT = b"begin", b"commit"
# Dimensions, no nulls, and an element type that the server replaces by what the statement says.
_ARRAY = struct.Struct("!iiIii").pack
_length = struct.Struct("!i").pack


@dataclass(slots=True, frozen=True)
class Call:
    """One prepared statement by its name, with its only parameter in binary form."""

    statement: str
    parameter: bytes


def array_of(rows: Sequence[bytes]) -> bytes:
    """Return the binary form of an array of composite values (`rows.NewRunRow.encoded`)."""
    parts = [_ARRAY(1, 0, 0, len(rows), 1)]
    for row in rows:
        parts += (_length(len(row)), row)
    return b"".join(parts)


class BatchConnection:
    """One connection, opened when first used, with types and prepared statements of its own.

    `types` maps names of composite types in `pg_temp` to their columns, `prepared` names to statements. Both are made
    inside the first transaction, and again inside one that finds them missing: a pooler may have given another server
    connection, on which other processes make theirs. `opening` goes before all that, in every transaction.
    """

    def __init__(
        self, url: str, name: str, types: Mapping[str, str], prepared: Mapping[str, str], opening: Sequence[str] = ()
    ) -> None:
        self._url = url
        self._name = name
        self._opening = (BEGIN, *(text.encode() for text in opening))
        self._types = [_make_type(each, columns).encode() for each, columns in types.items()]
        self._prepared = {each: text.encode() for each, text in prepared.items()}
        self._names: dict[str, bytes] = {}
        self._connection: Connection | None = None

    async def run(self, calls: Sequence[Call]) -> list[PGresult]:
        """Make the calls in one transaction of their own; return the result of each."""
        if self._connection is None:
            self._connection = await connect(self._url, self._name)
            self._names = {}
        if self._names:
            try:
                return await self._try(self._connection, calls, are_made=True)
            except NOT_MADE:
                if self._connection is None:
                    raise
        return await self._make(self._connection, calls)

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await hang_up(connection)

    async def _make(self, connection: Connection, calls: Sequence[Call]) -> list[PGresult]:
        """As `run`, with statements that no server connection knows yet."""
        edition = uuid4().hex[:12]
        self._names = {name: f"{name}_{edition}".encode() for name in self._prepared}
        try:
            return await self._try(connection, calls, are_made=False)
        except BaseException:
            self._names = {}
            raise

    async def _try(self, connection: Connection, calls: Sequence[Call], *, are_made: bool) -> list[PGresult]:
        try:
            async with connection.lock:
                return await connection.wait(self._exchange(connection.pgconn, calls, are_made=are_made))
        except BaseException:
            await self._recover(connection)
            raise

    async def _recover(self, connection: Connection) -> None:
        """Leave the failed transaction, or drop the connection when that is not possible."""
        try:
            if connection.pgconn.transaction_status in (TransactionStatus.IDLE, TransactionStatus.INERROR):
                await connection.execute("rollback", prepare=False)
            else:
                await self.close()
        except psycopg.Error:
            await self.close()

    def _exchange(self, pgconn: PGconn, calls: Sequence[Call], *, are_made: bool) -> PQGen[list[PGresult]]:
        pgconn.enter_pipeline_mode()
        for text in self._opening:
            pgconn.send_query_params(text, None)
        before = len(self._opening) + (0 if are_made else self._send_making(pgconn))
        for call in calls:
            pgconn.send_query_prepared(self._names[call.statement], [call.parameter], [BINARY])
        pgconn.send_query_params(COMMIT, None)
        pgconn.pipeline_sync()
        yield from generators.send(pgconn)
        results: list[PGresult] = []
        for _ in range(before + len(calls) + 1):
            results += yield from generators.fetch_many(pgconn)
        yield from generators.fetch_many(pgconn)  # what answers the synchronisation
        pgconn.exit_pipeline_mode()
        for result in results:
            if result.status in FAULTS:
                raise psycopg.errors.error_from_result(result)
        return results[before : before + len(calls)]

    def _send_making(self, pgconn: PGconn) -> int:
        """Send what makes types and statements; returns how many commands that are."""
        for text in self._types:
            pgconn.send_query_params(text, None)
        for name, text in self._prepared.items():
            pgconn.send_prepare(self._names[name], text)
        return len(self._types) + len(self._prepared)


class BatchConnections:
    """A few of them, for groups that are stored at the same time."""

    def __init__(self, connections: Sequence[BatchConnection]) -> None:
        self._all = connections
        self._idle = list(connections)

    async def run(self, calls: Sequence[Call]) -> list[PGresult]:
        """As `BatchConnection.run`; at most as many calls at a time as there are connections."""
        connection = self._idle.pop()
        try:
            return await connection.run(calls)
        finally:
            self._idle.append(connection)

    async def close(self) -> None:
        """Hang up."""
        for connection in self._all:
            await connection.close()


def _make_type(name: str, columns: str) -> str:
    """Make a type unless the session has it; the columns are part of its name in the statements' file."""
    return (
        f"do $$ begin if to_regtype('pg_temp.{name}') is null then create type pg_temp.{name} as ({columns}); "
        "end if; end $$"
    )
