"""Connections of one process to Postgres: a pool as `app` (one tenant at a time) and one as `relay`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

WAIT_SECONDS = 5.0
CONNECT_SECONDS = 5


class Pools:
    """Both pools; open them inside the event loop that uses them.

    `is_pooled` says that a pooler in transaction mode stands before the server: a statement prepared in one transaction
    may be unknown in the next, so none are.
    """

    def __init__(
        self, app_url: str, relay_url: str, *, app_size: int = 8, relay_size: int = 4, is_pooled: bool = False
    ) -> None:
        self.app_url = app_url
        self.relay_url = relay_url
        self.app = _pool(app_url, app_size, "runs-app", is_pooled=is_pooled)
        self.relay = _pool(relay_url, relay_size, "runs-relay", is_pooled=is_pooled)

    async def open(self) -> None:
        """Open both pools without waiting for a connection: the database may be late."""
        await asyncio.gather(self.app.open(wait=False), self.relay.open(wait=False))

    async def close(self) -> None:
        """Close both pools and their connections."""
        await asyncio.gather(self.app.close(), self.relay.close())

    def tenant(self, tenant_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """Give a connection inside a transaction as `app`, scoped to one tenant."""
        return _transaction(self.app, begin_as(tenant_id))

    def tenants(self, tenant_ids: Iterable[UUID] = ()) -> AbstractAsyncContextManager[Connection]:
        """Give a connection inside a transaction as `relay`, scoped to these tenants."""
        return _transaction(self.relay, begin_for(tenant_ids))


async def begun(pool: Pool, begin: bytes) -> Connection:
    """Take a connection of the pool and open a transaction on it; give it back with `putconn`.

    One that broke while it lay there, as all do when the server is started anew, is put away and another one taken.
    Raises `PoolTimeout` when there is none to be had.
    """
    stale = 0
    while True:
        connection = await pool.getconn()
        try:
            await connection.execute(begin)
        except BaseException as error:
            is_stale = connection.closed and isinstance(error, psycopg.Error)
            await pool.putconn(connection)
            stale += 1
            if not is_stale or stale > pool.max_size:
                raise
        else:
            return connection


def begin_as(tenant_id: UUID) -> bytes:
    """Open a transaction and its scope in one round trip; the id is a UUID, so it needs no quoting.

    SET, because a SELECT of `set_config` that is not prepared is planned and run: several times the cost.
    """
    return f"begin; set local app.tenant = '{tenant_id}'; set local app.\"user\" = ''".encode()


def begin_for(tenant_ids: Iterable[UUID]) -> bytes:
    """The same for role `relay` and the tenants of the group in hand."""
    listed = ",".join(str(tenant_id) for tenant_id in set(tenant_ids))
    return f"begin; set local app.tenants = '{{{listed}}}'".encode()


async def connect(url: str, name: str) -> Connection:
    """Open a connection outside the pools."""
    return await AsyncConnection.connect(
        url, autocommit=True, application_name=f"weft-{name}", connect_timeout=CONNECT_SECONDS
    )


async def hang_up(connection: Connection) -> None:
    """Close a connection, whatever state it is in."""
    with contextlib.suppress(psycopg.Error, OSError):
        await connection.close()


@asynccontextmanager
async def _transaction(pool: Pool, begin: bytes) -> AsyncIterator[Connection]:
    connection = await begun(pool, begin)
    try:
        try:
            yield connection
        except BaseException:
            await _rollback(connection)
            raise
        await connection.execute("commit")
    finally:
        await pool.putconn(connection)


async def _rollback(connection: Connection) -> None:
    if not connection.closed:
        await connection.execute("rollback")


def _pool(url: str, size: int, name: str, *, is_pooled: bool) -> Pool:
    options: dict[str, Any] = {"autocommit": True, "row_factory": tuple_row, "application_name": f"weft-{name}"}
    if is_pooled:
        options["prepare_threshold"] = None
    return AsyncConnectionPool(
        url, kwargs=options, min_size=1, max_size=size, open=False, name=name, timeout=WAIT_SECONDS, max_idle=60.0
    )
