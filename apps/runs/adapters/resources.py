"""Stored objects over Postgres (`engine.ports.ResourceStore`)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from apps.core.sealing import opened, seal
from apps.engine.ids import uuid7
from apps.engine.ports import AlreadyExists, Resource
from apps.runs.adapters.payloads import LONGEST_STATE, dumped
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import clean
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import RESOURCE_DATA

SQL = Statements("unit")
BEFORE_ALL = UUID(int=0)


class PostgresResources:
    """Collections of one workflow in one environment. What is stored may raise `PayloadTooLarge`."""

    def __init__(self, session: Session, place: Place) -> None:
        self._session = session
        self._scope = place.scope

    async def create(self, resource: Resource) -> None:
        """Store a new object; raise `AlreadyExists`."""
        rows = await self._session.write(SQL.resource_create, self._values(resource))
        if not rows:
            raise AlreadyExists(f"{resource.kind} {resource.key}")
        resource.created_at = resource.updated_at = rows[0][0]

    async def get(self, kind: str, key: str, *, lock: bool = False) -> Resource | None:
        """Return the object; `lock` keeps others from changing it until this unit ends."""
        statement = SQL.resource_lock if lock else SQL.resource_get
        rows = await self._session.rows(statement, (*self._scope, clean(kind), clean(key)))
        return self._resource(rows[0]) if rows else None

    async def save(self, resource: Resource) -> None:
        """Insert or replace."""
        rows = await self._session.write(SQL.resource_save, self._values(resource))
        resource.created_at, resource.updated_at = rows[0]

    async def delete(self, kind: str, key: str) -> bool:
        """Remove; say whether it was there."""
        return await self._session.change(SQL.resource_delete, (*self._scope, clean(kind), clean(key))) > 0

    async def page(
        self, kind: str, *, after: str | None = None, limit: int = 1000, states: Sequence[str] = ()
    ) -> list[Resource]:
        """Return objects in creation order, resuming behind key `after`."""
        place = BEFORE_ALL
        if after is not None:
            rows = await self._session.rows(SQL.resource_place, (*self._scope, clean(kind), clean(after)))
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
        return [self._resource(row) for row in await self._session.rows(SQL.resource_page, values)]

    def _values(self, resource: Resource) -> tuple[object, ...]:
        data = seal(dumped(resource.data, LONGEST_STATE), self._session.tenant_id, RESOURCE_DATA)
        return (uuid7(), *self._scope, clean(resource.kind), clean(resource.key), data, resource.state)

    def _resource(self, row: tuple[Any, ...]) -> Resource:
        kind, key, sealed, state, created_at, updated_at = row
        data = orjson.loads(opened(sealed, self._session.tenant_id, RESOURCE_DATA))
        return Resource(kind, key, data, state, created_at, updated_at)


class DeferringResources(PostgresResources):
    """Puts off the first create of a unit, so that those of many requests share a commit.

    Whoever commits learns whether the key was taken. Anything else that the unit asks for settles the create first, in
    the unit's own transaction.
    """

    def __init__(self, session: Session, place: Place) -> None:
        super().__init__(session, place)
        self.deferred: Resource | None = None
        self._may_defer = True

    async def create(self, resource: Resource) -> None:
        """Put the create off when it is all that the unit has done so far."""
        if self._may_defer and not self._session.is_open:
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
