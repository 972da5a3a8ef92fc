"""Grouped COPYs: a whole transaction as one simple query, on a connection that keeps what it needs for them.

A transaction costs two round trips, and one more for each further COPY. Its statements are prepared, because parsing
and planning them costs a small group as much as its rows. The temporary tables are emptied by DELETE: `on commit delete
rows` cuts three files of each to nothing at every commit, which took longer than the commit. What deletes leave behind
is pruned by the next scans, and cut off for good once in a while.
"""

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from apps.runs.adapters.pools import Connection, connect, hang_up

COPY_PART = 256 * 1024
FINE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.COPY_IN})
NOT_MADE = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSqlStatementName)
MOST_GROUPS = 500  # between two cuts
MOST_BYTES = 32 * 1024 * 1024
PREPARE = (
    "; do $$ begin if exists (select from pg_prepared_statements where name = '{name}') then "
    "execute 'deallocate {name}'; end if; end $$; prepare {name} as {statement}"
)


class CopyConnection:
    """One connection, opened when first used, with temporary tables and prepared statements of its own.

    `tables` maps names to `create temporary table if not exists ...`, `prepared` names to statements. Both are made
    inside the first transaction, and again inside one that finds them missing: a pooler may have given another server
    connection.
    """

    def __init__(self, url: str, name: str, tables: Mapping[str, str], prepared: Mapping[str, str]) -> None:
        self._url = url
        self._name = name
        clears = {f"clear_{table}": f"delete from pg_temp.{table}" for table in tables}  # noqa: S608 - our own names
        made = [f"; {table}" for table in tables.values()]
        made += [PREPARE.format(name=each, statement=text) for each, text in {**prepared, **clears}.items()]
        self._make = "".join(made).encode()
        self._clear = "".join([f"; execute {each}" for each in clears]).encode()
        self._cut = "".join([f"; truncate pg_temp.{table}" for table in tables]).encode()
        self._connection: Connection | None = None
        self._is_made = False
        self._groups = self._bytes = 0  # since the last cut

    async def run(self, begin: bytes, statements: bytes, streams: Sequence[bytes]) -> list[PGresult]:
        """Send `begin` and `statements`, feed each COPY in them its stream, empty the tables and commit.

        Return the results after the last COPY.
        """
        statements += self._emptying(streams) + b"; commit"
        if self._connection is None:
            self._connection = await connect(self._url, self._name)
            self._is_made = False
        if self._is_made:
            try:
                return await self._try(self._connection, begin + statements, streams)
            except NOT_MADE:
                if self._connection is None:
                    raise
        results = await self._try(self._connection, begin + self._make + statements, streams)
        self._is_made = True
        return results

    def _emptying(self, streams: Sequence[bytes]) -> bytes:
        self._groups += 1
        self._bytes += sum(map(len, streams))
        if self._groups < MOST_GROUPS and self._bytes < MOST_BYTES:
            return self._clear
        self._groups = self._bytes = 0
        return self._cut

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await hang_up(connection)

    async def _try(self, connection: Connection, statements: bytes, streams: Sequence[bytes]) -> list[PGresult]:
        try:
            async with connection.lock:
                return await connection.wait(_exchange(connection.pgconn, statements, streams))
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


class CopyConnections:
    """A few of them, for groups that are stored at the same time."""

    def __init__(self, connections: Sequence[CopyConnection]) -> None:
        self._all = connections
        self._idle = list(connections)

    async def run(self, begin: bytes, statements: bytes, streams: Sequence[bytes]) -> list[PGresult]:
        """As `CopyConnection.run`; at most as many calls at a time as there are connections."""
        connection = self._idle.pop()
        try:
            return await connection.run(begin, statements, streams)
        finally:
            self._idle.append(connection)

    async def close(self) -> None:
        """Hang up."""
        for connection in self._all:
            await connection.close()


def _exchange(pgconn: PGconn, statements: bytes, streams: Sequence[bytes]) -> PQGen[list[PGresult]]:
    pgconn.send_query(statements)
    yield from generators.send(pgconn)
    results: list[PGresult] = yield from generators.fetch_many(pgconn)
    _demand_fine(results)
    for stream in streams:
        for start in range(0, len(stream), COPY_PART):
            yield from generators.copy_to(pgconn, stream[start : start + COPY_PART], flush=len(stream) > COPY_PART)
        pgconn.put_copy_end(None)
        yield from generators.send(pgconn)
        results = yield from generators.fetch_many(pgconn)
        _demand_fine(results)
    return results


def _demand_fine(results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status not in FINE:
            raise psycopg.errors.error_from_result(result)
