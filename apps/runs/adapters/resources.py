"""Stored objects over Postgres (`engine.ports.ResourceStore`).

The key of a `PrivateKind` is a blind index; the key as it was given is sealed beside the data, as `[key, data]`. Where
several indexes may stand for one key (of older master keys, or the key itself in a row of an earlier release) all are
looked for, and a save leaves the newest.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from apps.core.sealing import BLIND, blind_keys, opened, seal
from apps.engine.ids import uuid7
from apps.engine.ports import AlreadyExists, PrivateKind, Resource
from apps.runs.adapters.old_texts import OldTexts
from apps.runs.adapters.payloads import LONGEST_STATE, dumped
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import clean
from apps.runs.adapters.secrets import Lookup
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import RESOURCE_DATA

SQL = Statements("unit")
BEFORE_ALL = UUID(int=0)


class PostgresResources:
    """Collections of one workflow in one environment. What is stored may raise `PayloadTooLarge`."""

    def __init__(self, session: Session, place: Place, lookup: Lookup) -> None:
        self._session = session
        self._scope = place.scope
        self._place = place
        self._lookup = lookup
        self._texts: OldTexts | None = None  # made when something is read

    async def create(self, resource: Resource) -> None:
        """Store a new object; raise `AlreadyExists`."""
        stored = self._stored(resource.kind, resource.key)
        is_taken = len(stored) > 1 and await self._find(SQL.resource_place, resource.kind, list(stored))
        rows = [] if is_taken else await self._session.write(SQL.resource_create, self._values(resource))
        if not rows:
            raise AlreadyExists(f"{resource.kind} {resource.key}")
        resource.created_at = resource.updated_at = rows[0][0]

    async def get(self, kind: str, key: str, *, lock: bool = False) -> Resource | None:
        """Return the object; `lock` keeps others from changing it until this unit ends."""
        stored = self._stored(kind, key)
        if len(stored) == 1:
            rows = await self._find(SQL.resource_lock if lock else SQL.resource_get, kind, stored[0])
        else:
            rows = await self._find(SQL.resource_lock_any if lock else SQL.resource_get_any, kind, list(stored))
        return await self._resource(kind, rows[0]) if rows else None

    async def save(self, resource: Resource) -> None:
        """Insert or replace."""
        stored = self._stored(resource.kind, resource.key)
        if len(stored) > 1:
            await self._rename(resource.kind, *stored)
        rows = await self._session.write(SQL.resource_save, self._values(resource))
        resource.created_at, resource.updated_at = rows[0]

    async def delete(self, kind: str, key: str) -> bool:
        """Remove; say whether it was there."""
        values = (*self._scope, clean(kind), list(self._stored(kind, key)))
        return await self._session.change(SQL.resource_delete, values) > 0

    async def page(
        self, kind: str, *, after: str | None = None, limit: int = 1000, states: Sequence[str] = ()
    ) -> list[Resource]:
        """Return objects in creation order, resuming behind key `after`."""
        place = BEFORE_ALL
        if after is not None:
            rows = await self._find(SQL.resource_place, kind, list(self._stored(kind, after)))
            if not rows:
                return []
            place = rows[0][0]
        tenant, environment, workflow = self._scope
        values = {
            "tenant": tenant,
            "environment": environment,
            "workflow": workflow,
            "kind": clean(kind),
            "after": place,
            "states": list(states),
            "limit": limit,
        }
        return [await self._resource(kind, row) for row in await self._session.rows(SQL.resource_page, values)]

    async def _find(self, statement: str, kind: str, stored: str | list[str]) -> list[tuple[Any, ...]]:
        return await self._session.rows(statement, (*self._scope, clean(kind), stored))

    async def _rename(self, kind: str, newest: str, *older: str) -> None:
        tenant, environment, workflow = self._scope
        values = {
            "tenant": tenant,
            "environment": environment,
            "workflow": workflow,
            "kind": clean(kind),
            "newest": newest,
            "older": list(older),
        }
        await self._session.change(SQL.resource_rename, values)

    def _stored(self, kind: str, key: str) -> tuple[str, ...]:
        """Return what may stand for a key in the table, the newest form first."""
        plain = clean(key)
        if not isinstance(kind, PrivateKind):
            return (plain,)
        tenant, environment, workflow = self._scope
        blind = blind_keys(plain, tenant, blind_domain(environment, workflow, kind))
        return blind if plain.startswith(BLIND) else (*blind, plain)

    def _values(self, resource: Resource) -> tuple[object, ...]:
        kind, key, data = resource.kind, resource.key, dumped(resource.data, LONGEST_STATE)
        if isinstance(kind, PrivateKind):
            data = orjson.dumps([clean(key), orjson.Fragment(data)])
        sealed = seal(data, self._session.tenant_id, RESOURCE_DATA)
        stored = self._stored(kind, key)[0]
        return (uuid7(), *self._scope, clean(kind), stored, sealed, resource.state, resource.expires_at)

    async def _resource(self, kind: str, row: tuple[Any, ...]) -> Resource:
        _, key, sealed, state, created_at, updated_at, expires_at = row
        if self._texts is None:
            self._texts = OldTexts(self._lookup, self._place)
        data = await self._texts.read(opened(sealed, self._session.tenant_id, RESOURCE_DATA))
        if isinstance(data, list):
            key, data = data
        return Resource(kind, key, data, state, created_at, updated_at, expires_at)


class DeferringResources(PostgresResources):
    """Puts off the first create of a unit, so that those of many requests share a commit.

    Whoever commits learns whether the key was taken. Anything else that the unit asks for settles the create first, in
    the unit's own transaction.
    """

    deferred: Resource | None = None
    _may_defer = True

    async def create(self, resource: Resource) -> None:
        """Put the create off when it is all that the unit has done so far."""
        is_plain = not isinstance(resource.kind, PrivateKind) and resource.expires_at is None
        if is_plain and self._may_defer and not self._session.is_open:
            self._may_defer = False
            self.deferred = resource
            return
        await self.settle()
        await super().create(resource)

    async def get(self, kind: str, key: str, *, lock: bool = False) -> Resource | None:
        """As `PostgresResources.get`."""
        await self.settle()
        return await super().get(kind, key, lock=lock)

    async def save(self, resource: Resource) -> None:
        """As `PostgresResources.save`."""
        await self.settle()
        await super().save(resource)

    async def delete(self, kind: str, key: str) -> bool:
        """As `PostgresResources.delete`."""
        await self.settle()
        return await super().delete(kind, key)

    async def page(
        self, kind: str, *, after: str | None = None, limit: int = 1000, states: Sequence[str] = ()
    ) -> list[Resource]:
        """As `PostgresResources.page`."""
        await self.settle()
        return await super().page(kind, after=after, limit=limit, states=states)

    async def settle(self) -> None:
        """Do what was put off in the unit's own transaction; raise `AlreadyExists`."""
        resource, self.deferred = self.deferred, None
        self._may_defer = False
        if resource is not None:
            await super().create(resource)


def blind_domain(environment_id: UUID, workflow_id: UUID, kind: str) -> str:
    """Return within what the blind index of a key is the same: one collection."""
    return f"{environment_id}|{workflow_id}|{kind}"
