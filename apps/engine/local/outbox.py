"""What a unit sends off when it commits: messages and runs; and the effect ledger, which does not wait for that."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.engine.events import QUIET_HEADER
from apps.engine.hops import BEGINNING, Way
from apps.engine.ids import uuid7
from apps.engine.local.joined import Joined
from apps.engine.local.message import Message
from apps.engine.local.queue import RunQueue
from apps.engine.local.resources import Holder
from apps.engine.local.store import encode, write_time
from apps.engine.ports import NewRun

_INTEND = """insert or ignore into effect (scope, step_id, attempt, kind, effect, key, at)
    values (?, ?, ?, ?, ?, ?, ?)"""


class LocalBroker:
    """The broker of one unit."""

    def __init__(
        self, messages: list[Message], joined: Joined, scope: str, *, quiet: bool = False, way: Way = BEGINNING
    ) -> None:
        self.messages = messages
        self.is_quiet, self.hops = quiet, len(way.links)
        self._joined, self._scope = joined, scope
        self._added = {**({QUIET_HEADER: "1"} if quiet else {}), **way.headers()}

    def is_linked(self, topic: str) -> bool:
        """Whether a link to another scope takes a topic in."""
        return self._joined.is_linked(self._scope, topic)

    def publish(
        self,
        topic: str,
        payload: Any,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        on_bus: bool = False,
    ) -> UUID:
        """Buffer a message; it leaves when the unit commits and not otherwise."""
        application = None if on_bus else self._joined.application(self._scope)
        address = topic if application is None else application.addressed(topic)
        message = Message.new(address, payload, key=key, headers={**(headers or {}), **self._added})
        self.messages.append(message)
        return message.id


class LocalRuns:
    """The runs that one unit starts."""

    def __init__(self, queue: RunQueue, scope: str) -> None:
        self._queue = queue
        self._scope = scope
        self.started: list[tuple[UUID, NewRun]] = []

    def start(self, run: NewRun) -> UUID:
        """Buffer a run; a known idempotency key gives the run that has it."""
        key = run.idempotency_key
        if key is not None:
            mine = (run_id for run_id, other in self.started if other.idempotency_key == key)
            known = self._queue.by_idempotency_key(self._scope, key) or next(mine, None)
            if known is not None:
                return known
        run_id = uuid7()
        self.started.append((run_id, run))
        return run_id


class LocalEffects:
    """The effect ledger: written at once, whatever becomes of the unit."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    async def intend(self, step_id: UUID, attempt: int, *, kind: str, effect: str, key: str) -> None:
        """Commit the intent now, before anything leaves."""
        at = write_time(self._holder.now())
        self._holder.store.run(_INTEND, (self._holder.scope, str(step_id), attempt, kind, effect, key, at))

    async def receipt(self, step_id: UUID, attempt: int, data: Any) -> None:
        """Record what came back; accepted whatever the state of the run."""
        self._holder.store.run(
            "update effect set receipt = ? where scope = ? and step_id = ? and attempt = ?",
            (encode(data), self._holder.scope, str(step_id), attempt),
        )
