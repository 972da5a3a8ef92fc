"""A whole transaction with COPYs in it as one simple query: two round trips, and one more for each further COPY."""

from collections.abc import Sequence

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from apps.runs.adapters.pools import Connection

COPY_PART = 256 * 1024
FINE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.COPY_IN})


async def run_with_copies(connection: Connection, statements: bytes, streams: Sequence[bytes]) -> list[PGresult]:
    """Send `statements`, feed each `copy ... from stdin` in them its stream, and return the results after the last."""
    async with connection.lock:
        results: list[PGresult] = await connection.wait(_exchange(connection.pgconn, statements, streams))
        return results


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
