"""Seal kept rows again with the newest master key, a page at a time, in the scope of their tenant.

A page is one transaction of a few milliseconds that locks its rows from the read to the write, so that nothing written
meanwhile is lost, and never waits for a row, so that it deadlocks with nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog

from apps.core.crypto import Undecipherable
from apps.core.sealing import BLIND, blind_keys, newest_head, opened, seal
from apps.runs.adapters import control
from apps.runs.adapters.resources import blind_domain
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import INSTANCE_DATA, INSTANCE_ERROR, RECEIPT, RESOURCE_DATA

SQL = Statements("rotation")
PAGE = 100
ZERO = UUID(int=0)
log = structlog.get_logger(__name__)
Row = tuple[Any, ...]
Place = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A table that is kept: `page` finds rows of other keys behind a place, `left` counts them, `again` seals one."""

    name: str
    page: str
    left: str
    first: Place
    again: Callable[[UUID, Row], None]


@dataclass(slots=True)
class Pass:
    """One pass over a table of a tenant: rows sealed again, rows that no key opens, where the next page begins."""

    place: Place | None
    sealed: int = 0
    lost: int = 0


def page_seal(kept: Kept, tenant_id: UUID, so_far: Pass, limit: int = PAGE) -> None:
    """Seal the rows of one page; `so_far.place` is None afterwards when it was the last."""
    after = so_far.place or kept.first
    place = dict(zip("abcd", after, strict=False))
    rows = control.rows(kept.page, {"tenant": tenant_id, "head": newest_head(), "limit": limit, **place})
    for row in rows:
        try:
            kept.again(tenant_id, row)
            so_far.sealed += 1
        except Undecipherable as problem:
            so_far.lost += 1
            log.error("rotation.undecipherable", table=kept.name, tenant_id=str(tenant_id), problem=str(problem))
    so_far.place = rows[-1][: len(after)] if len(rows) == limit else None


def left(kept: Kept, tenant_id: UUID) -> int:
    """Count the rows that still need another key."""
    return int(control.rows(kept.left, {"tenant": tenant_id, "head": newest_head()})[0][0])


def _resource(tenant_id: UUID, row: Row) -> None:
    environment_id, workflow_id, kind, identity, key, sealed = row
    data = opened(sealed, tenant_id, RESOURCE_DATA)
    control.execute(SQL.resource_write, (seal(data, tenant_id, RESOURCE_DATA), identity))
    if key.startswith(BLIND) and data[:1] == b"[":
        domain = blind_domain(environment_id, workflow_id, kind)
        newest = blind_keys(orjson.loads(data)[0], tenant_id, domain)[0]
        if newest != key:
            control.execute(SQL.resource_rename, {"id": identity, "newest": newest})


def _instance(tenant_id: UUID, row: Row) -> None:
    *_, identity, data, error = row
    again = seal(opened(data, tenant_id, INSTANCE_DATA), tenant_id, INSTANCE_DATA)
    said = seal(opened(error, tenant_id, INSTANCE_ERROR), tenant_id, INSTANCE_ERROR)
    control.execute(SQL.instance_write, (again, said, identity))


def _receipt(tenant_id: UUID, row: Row) -> None:
    *_, identity, receipt = row
    control.execute(SQL.receipt_write, (seal(opened(receipt, tenant_id, RECEIPT), tenant_id, RECEIPT), identity))


KEPT = (
    Kept("storedresource", SQL.resources, SQL.resources_left, (ZERO, ZERO, "", ZERO), _resource),
    Kept("instance", SQL.instances, SQL.instances_left, (ZERO, ZERO, "", ""), _instance),
    Kept("effectentry", SQL.receipts, SQL.receipts_left, (ZERO, 0), _receipt),
)
