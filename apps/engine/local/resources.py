"""`ResourceStore` over SQLite, seen through one unit: its own writes first, everybody's committed ones behind them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from apps.engine.local.store import Store, decode, encode, read_time, write_time
from apps.engine.ports import AlreadyExists, Resource

_INSERT = """insert into resource (scope, kind, key, data, state, created_at, updated_at, expires_at)
    values (?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (scope, kind, key) do update
    set data = excluded.data, state = excluded.state, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at"""
_LIVING = "(expires_at is null or expires_at > ?)"


class Holder(Protocol):
    """What the stores need of their unit."""

    scope: str
    store: Store

    def now(self) -> datetime:
        """Return the time."""

    async def hold(self, *key: str) -> None:
        """Lock a row until the unit ends."""


class LocalResources:
    """The resources of one scope in one unit."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._written: dict[tuple[str, str], Resource | None] = {}  # None: deleted

    async def create(self, resource: Resource) -> None:
        """Store a new object; raise `AlreadyExists`."""
        await self._holder.hold("resource", resource.kind, resource.key)
        if self._find(resource.kind, resource.key) is not None:
            raise AlreadyExists(f"{resource.kind} {resource.key} exists already")
        self._keep(resource)

    async def get(self, kind: str, key: str, *, lock: bool = False) -> Resource | None:
        """Return the object; `lock` keeps others from changing it until this unit ends."""
        if lock:
            await self._holder.hold("resource", kind, key)
        return self._find(kind, key)

    async def save(self, resource: Resource) -> None:
        """Insert or replace."""
        await self._holder.hold("resource", resource.kind, resource.key)
        self._keep(resource)

    async def delete(self, kind: str, key: str) -> bool:
        """Remove; say whether it was there."""
        await self._holder.hold("resource", kind, key)
        was_there = self._find(kind, key) is not None
        self._written[kind, key] = None
        return was_there

    async def page(
        self, kind: str, *, after: str | None = None, limit: int = 1000, states: Sequence[str] = ()
    ) -> list[Resource]:
        """Return objects in creation order, resuming behind key `after`."""
        found = self._merged(kind)
        if after is not None:
            keys = [resource.key for resource in found]
            found = found[keys.index(after) + 1 :] if after in keys else []
        if states:
            found = [resource for resource in found if resource.state in states]
        return found[:limit]

    def _keep(self, resource: Resource) -> None:
        now = self._holder.now()
        known = self._find(resource.kind, resource.key)
        created_at = resource.created_at or (known.created_at if known else None) or now
        resource.created_at, resource.updated_at = created_at, now
        self._written[resource.kind, resource.key] = _copy(resource)

    def _find(self, kind: str, key: str) -> Resource | None:
        if (kind, key) in self._written:
            mine = self._written[kind, key]
            return None if mine is None else _copy(mine)
        row = self._holder.store.row(
            f"select * from resource where scope = ? and kind = ? and key = ? and {_LIVING}",  # noqa: S608 - ours
            (self._holder.scope, kind, key, write_time(self._holder.now())),
        )
        return None if row is None else _read(row)

    def _merged(self, kind: str) -> list[Resource]:
        rows = self._holder.store.rows(
            f"select * from resource where scope = ? and kind = ? and {_LIVING} order by position",  # noqa: S608 - ours
            (self._holder.scope, kind, write_time(self._holder.now())),
        )
        found = {row["key"]: _read(row) for row in rows}
        for (of_kind, key), mine in self._written.items():
            if of_kind != kind:
                continue
            if mine is None:
                found.pop(key, None)
            else:
                found[key] = _copy(mine)
        return list(found.values())

    def flush(self) -> None:
        """Write what this unit changed; inside the commit's transaction."""
        store, scope = self._holder.store, self._holder.scope
        if self._written:
            store.run("delete from resource where expires_at <= ?", (write_time(self._holder.now()),))
        for (kind, key), mine in self._written.items():
            if mine is None:
                store.run("delete from resource where scope = ? and kind = ? and key = ?", (scope, kind, key))
                continue
            times = (write_time(mine.created_at), write_time(mine.updated_at), write_time(mine.expires_at))
            store.run(_INSERT, (scope, kind, key, encode(mine.data), mine.state, *times))


def _read(row: sqlite3.Row) -> Resource:
    return Resource(
        row["kind"],
        row["key"],
        decode(row["data"]),
        row["state"],
        read_time(row["created_at"]),
        read_time(row["updated_at"]),
        read_time(row["expires_at"]),
    )


def _copy(resource: Resource) -> Resource:
    return replace(resource, data=decode(encode(resource.data)))
