"""State-machine instances over Postgres (`engine.ports.InstanceStore`)."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from apps.core.sealing import opened, seal
from apps.engine.ids import uuid7
from apps.engine.ports import AlreadyExists, Instance, LostRace, TransitionRecord
from apps.runs.adapters.old_texts import OldTexts
from apps.runs.adapters.payloads import LONGEST_STATE, dumped
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import clean
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements
from apps.runs.rules.sealing import INSTANCE_DATA, INSTANCE_ERROR, TRANSITION_DATA

SQL = Statements("unit")


class PostgresInstances:
    """Instances and histories of one workflow in one environment. What is stored may raise `PayloadTooLarge`."""

    def __init__(self, session: Session, place: Place, run_id: UUID, texts: OldTexts) -> None:
        self._texts = texts
        self._session = session
        self._scope = place.scope
        self._run_id = run_id

    async def get(self, machine: str, key: str, *, lock: bool = False) -> Instance | None:
        """Return the instance; with `lock` the row is held until the unit ends."""
        statement = SQL.instance_lock if lock else SQL.instance_get
        rows = await self._session.rows(statement, (*self._scope, machine, clean(key)))
        return await self._instance(rows[0]) if rows else None

    async def several(self, machine: str, keys: Collection[str]) -> dict[str, Instance]:
        """Return those of the named instances that there are, by key."""
        rows = await self._session.rows(SQL.instance_several, (*self._scope, machine, [clean(key) for key in keys]))
        found = [await self._instance(row) for row in rows]
        return {instance.key: instance for instance in found}

    async def create(self, instance: Instance) -> None:
        """Store a new instance; raise `AlreadyExists`."""
        rows = await self._session.write(
            SQL.instance_create,
            (
                uuid7(),
                *self._scope,
                instance.machine,
                clean(instance.key),
                instance.state,
                instance.previous_state,
                self._data(instance),
                instance.completed,
                self._error(instance),
                instance.sequence,
            ),
        )
        if not rows:
            raise AlreadyExists(f"{instance.machine} {instance.key}")
        instance.started_at = instance.updated_at = rows[0][0]

    async def save(self, instance: Instance, record: TransitionRecord | None = None) -> None:
        """Write the (locked) instance; `record` is appended to its history under the next sequence number."""
        tenant, environment, workflow = self._scope
        rows = await self._session.write(
            SQL.instance_save,
            {
                "tenant": tenant,
                "environment": environment,
                "workflow": workflow,
                "machine": instance.machine,
                "key": clean(instance.key),
                "state": instance.state,
                "previous": instance.previous_state,
                "data": self._data(instance),
                "completed": instance.completed,
                "error": self._error(instance),
                "sequence": instance.sequence,
            },
        )
        if not rows:
            raise LostRace(f"{instance.machine} {instance.key}")
        identity, instance.sequence, instance.updated_at = rows[0]
        if record is not None:
            await self._record(identity, instance.sequence, record)

    async def _record(self, instance_id: UUID, sequence: int, record: TransitionRecord) -> None:
        data = seal(dumped(record.data, LONGEST_STATE), self._session.tenant_id, TRANSITION_DATA)
        values = (record.transition, record.from_state, record.to_state, data, self._run_id)
        await self._session.change(
            SQL.instance_record, (uuid7(), self._session.tenant_id, instance_id, sequence, *values)
        )

    async def page(
        self,
        machine: str | None = None,
        *,
        state: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Instance]:
        """Return instances by key, resuming behind `after`."""
        tenant, environment, workflow = self._scope
        values = {
            "tenant": tenant,
            "environment": environment,
            "workflow": workflow,
            "machine": machine,
            "state": state,
            "after": after,
            "limit": limit,
        }
        return [await self._instance(row) for row in await self._session.rows(SQL.instance_page, values)]

    async def history(self, machine: str, key: str) -> list[dict[str, Any]]:
        """Return `{sequence, transition, from, to, data, at}` in order."""
        rows = await self._session.rows(SQL.instance_history, (*self._scope, machine, clean(key)))
        return [
            {
                "sequence": sequence,
                "transition": transition,
                "from": source,
                "to": target,
                "data": await self._texts.read(opened(data, self._session.tenant_id, TRANSITION_DATA)),
                "at": at,
            }
            for sequence, transition, source, target, data, at in rows
        ]

    def _data(self, instance: Instance) -> bytes:
        return seal(dumped(instance.data, LONGEST_STATE), self._session.tenant_id, INSTANCE_DATA)

    def _error(self, instance: Instance) -> bytes | None:
        error = None if instance.error is None else clean(instance.error).encode()
        return seal(error, self._session.tenant_id, INSTANCE_ERROR)

    async def _instance(self, row: tuple[Any, ...]) -> Instance:
        """Rebuild an instance from the columns of `instance_get`."""
        _, machine, key, state, previous, sealed, completed, error, sequence, started_at, updated_at = row
        tenant_id = self._session.tenant_id
        data = await self._texts.read(opened(sealed, tenant_id, INSTANCE_DATA))
        said = opened(error, tenant_id, INSTANCE_ERROR)
        error = None if said is None else said.decode()
        return Instance(machine, key, state, previous, data, completed, error, sequence, started_at, updated_at)
