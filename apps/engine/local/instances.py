"""`InstanceStore` over SQLite, seen through one unit."""

import sqlite3
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from apps.engine.local.resources import Holder
from apps.engine.local.store import decode, encode, read_time, write_time
from apps.engine.ports import AlreadyExists, Instance, LostRace, TransitionRecord

_WRITE = """insert or replace into instance (scope, machine, key, state, previous_state, data, completed, error,
    sequence, started_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_RECORD = """insert into transition (scope, machine, key, sequence, transition, from_state, to_state, data, at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class LocalInstances:
    """The state-machine instances of one scope in one unit."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._written: dict[tuple[str, str], Instance] = {}
        self._records: list[tuple[Any, ...]] = []

    async def get(self, machine: str, key: str, *, lock: bool = False) -> Instance | None:
        """Return the instance; with `lock` the row is held until the unit ends."""
        if lock:
            await self._holder.hold("instance", machine, key)
        return self._find(machine, key)

    async def several(self, machine: str, keys: Collection[str]) -> dict[str, Instance]:
        """Return those of the named instances that there are, by key."""
        found = ((key, self._find(machine, key)) for key in keys)
        return {key: instance for key, instance in found if instance is not None}

    async def create(self, instance: Instance) -> None:
        """Store a new instance; raise `AlreadyExists`."""
        await self._holder.hold("instance", instance.machine, instance.key)
        if self._find(instance.machine, instance.key) is not None:
            raise AlreadyExists(f"{instance.machine} {instance.key} exists already")
        now = self._holder.now()
        instance.started_at = instance.started_at or now
        instance.updated_at = instance.updated_at or now
        self._written[instance.machine, instance.key] = _copy(instance)

    async def save(self, instance: Instance, record: TransitionRecord | None = None) -> None:
        """Write the (locked) instance; `record` is appended to its history under the next sequence number."""
        await self._holder.hold("instance", instance.machine, instance.key)
        known = self._find(instance.machine, instance.key)
        if known is None or known.sequence != instance.sequence:
            raise LostRace(f"{instance.machine} {instance.key} was changed by somebody else")
        if record is not None:
            instance.sequence += 1
            at = write_time(self._holder.now())
            steps = (instance.sequence, record.transition, record.from_state, record.to_state)
            self._records.append((self._holder.scope, instance.machine, instance.key, *steps, encode(record.data), at))
        instance.updated_at = self._holder.now()
        self._written[instance.machine, instance.key] = _copy(instance)

    async def page(
        self, machine: str | None = None, *, state: str | None = None, after: str | None = None, limit: int = 100
    ) -> list[Instance]:
        """Return instances by key, resuming behind `after`."""
        rows = self._holder.store.rows("select * from instance where scope = ?", (self._holder.scope,))
        merged = {(row["machine"], row["key"]): _read(row) for row in rows}
        merged |= {place: _copy(mine) for place, mine in self._written.items()}
        found = sorted(merged.values(), key=lambda instance: (instance.key, instance.machine))
        return [
            instance
            for instance in found
            if (machine is None or instance.machine == machine)
            and (state is None or instance.state == state)
            and (after is None or instance.key > after)
        ][:limit]

    async def history(self, machine: str, key: str) -> list[dict[str, Any]]:
        """Return `{sequence, transition, from, to, data, at}` in order."""
        rows = self._holder.store.rows(
            "select * from transition where scope = ? and machine = ? and key = ? order by sequence",
            (self._holder.scope, machine, key),
        )
        lines = [tuple(row) for row in rows]
        lines += [record for record in self._records if record[1:3] == (machine, key)]
        return [
            {
                "sequence": line[3],
                "transition": line[4],
                "from": line[5],
                "to": line[6],
                "data": decode(line[7]),
                "at": line[8],
            }
            for line in lines
        ]

    def _find(self, machine: str, key: str) -> Instance | None:
        mine = self._written.get((machine, key))
        if mine is not None:
            return _copy(mine)
        row = self._holder.store.row(
            "select * from instance where scope = ? and machine = ? and key = ?", (self._holder.scope, machine, key)
        )
        return None if row is None else _read(row)

    def flush(self) -> None:
        """Write what this unit changed; inside the commit's transaction."""
        store, scope = self._holder.store, self._holder.scope
        for mine in self._written.values():
            place = (scope, mine.machine, mine.key, mine.state, mine.previous_state, encode(mine.data))
            times = (write_time(mine.started_at), write_time(mine.updated_at))
            store.run(_WRITE, (*place, int(mine.completed), mine.error, mine.sequence, *times))
        for record in self._records:
            store.run(_RECORD, record)


def _read(row: sqlite3.Row) -> Instance:
    return Instance(
        row["machine"],
        row["key"],
        row["state"],
        row["previous_state"],
        decode(row["data"]),
        bool(row["completed"]),
        row["error"],
        row["sequence"],
        read_time(row["started_at"]),
        read_time(row["updated_at"]),
    )


def _copy(instance: Instance) -> Instance:
    return replace(instance, data=decode(encode(instance.data)))
