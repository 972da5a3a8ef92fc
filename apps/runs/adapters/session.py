"""The one transaction of a unit of work, opened when it is first needed."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncCursor
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from apps.engine.ports import StoreBusy
from apps.runs.adapters.group import is_passing
from apps.runs.adapters.pools import Connection, Pools, begin_as, begun


class Session:
    """A lazily opened transaction as `app`, scoped to one tenant."""

    __slots__ = ("_connection", "_pools", "has_written", "tenant_id")

    def __init__(self, pools: Pools, tenant_id: UUID) -> None:
        self._pools = pools
        self._connection: Connection | None = None
        self.tenant_id = tenant_id
        self.has_written = False

    @property
    def is_open(self) -> bool:
        """Whether the unit has touched the database."""
        return self._connection is not None

    async def connection(self) -> Connection:
        """Return the connection inside the transaction; raise `StoreBusy` when there is none to be had."""
        if self._connection is None:
            try:
                self._connection = await begun(self._pools.app, begin_as(self.tenant_id))
            except PoolTimeout as full:
                raise StoreBusy("The database has no connection free.", code="store.busy") from full
            except psycopg.Error as error:
                _ask_again(error)
                raise
        return self._connection

    async def write(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Run a statement that changes rows and returns some."""
        self.has_written = True
        return await self.rows(statement, values)

    async def rows(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads."""
        cursor = await self._execute(statement, values)
        return await cursor.fetchall()

    async def change(self, statement: str, values: Any = ()) -> int:
        """Run a statement that changes rows and return how many it touched."""
        self.has_written = True
        return (await self._execute(statement, values)).rowcount

    async def _execute(self, statement: str, values: Any) -> AsyncCursor[TupleRow]:
        connection = await self.connection()
        try:
            return await connection.execute(statement, values)
        except psycopg.Error as error:
            _ask_again(error)
            raise

    async def commit(self) -> None:
        """Make everything visible; a session that was never opened has nothing to do."""
        await self._end("commit")

    async def rollback(self) -> None:
        """Undo everything."""
        await self._end("rollback")

    async def _end(self, how: str) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if not connection.closed:
                await connection.execute(how)
        finally:
            await self._pools.app.putconn(connection)


def _ask_again(error: psycopg.Error) -> None:
    """Raise `StoreBusy` for an error of the connection or the server, which says nothing about the try."""
    if is_passing(error):
        raise StoreBusy("The database did not take part.", code="store.unavailable") from error
