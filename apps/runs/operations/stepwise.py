"""Requests recorded step by step (`record: step`): a durable run that the request itself drives (data.md 5).

Its row and its lease are there before the first step, and each step is committed before the next. When this process
dies a worker finishes the run from the last committed step.
"""

import asyncio
import contextlib
from datetime import datetime
from uuid import UUID

import structlog

from apps.core.jobs import bell
from apps.engine.http import Response
from apps.engine.module import Context
from apps.engine.run.effects import failed
from apps.engine.run.program import Program, Variables
from apps.engine.run.state import RunState, Status
from apps.runs.adapters.payloads import dumped, state_stored
from apps.runs.adapters.place import Place
from apps.runs.adapters.queue import LEASE, ClaimedRun, Queue
from apps.runs.adapters.rows import NewRunRow, RunOrigin
from apps.runs.adapters.services import Services
from apps.runs.adapters.writer import EncodedRun
from apps.runs.operations.driving import ClaimGone, Drive
from apps.runs.rules.redaction import redacted

log = structlog.get_logger(__name__)
DRIVEN = "driven"  # key of Context.state: the request has a run row already
HEARTBEAT_SECONDS = 10.0
PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


class Stepwise:
    """Drives programs for requests; keeps their leases alive."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._queue = Queue(services.pools, services.owner)
        self._held: dict[UUID, Drive | None] = {}
        self._has_left_some = False
        self._heart: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to prolong leases, in the running loop."""
        self._heart = asyncio.get_running_loop().create_task(self._beat(), name="stepwise-heart")

    async def close(self) -> None:
        """Stop, and give back what is still held or was cut off."""
        if self._heart is not None:
            self._heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heart
        if self._held or self._has_left_some:
            await self._queue.release()

    async def drive(
        self, place: Place, origin: RunOrigin, context: Context, program: Program, variables: Variables
    ) -> Variables | Response:
        """Run `program` durably; return its variables, or the answer of a run that goes on without its request."""
        run_id = context.run_id
        now = self._services.clock.now()
        state = RunState.start(run_id, program.entry, variables.input, now)
        state.variables = _without_private(variables)
        context.state[DRIVEN] = True
        self._held[run_id] = None
        try:
            drive = Drive(self._services, place, await self._accept(place, origin, context, state, now), each_step=True)
            self._held[run_id] = drive
            await drive.go()
            if drive.has_work:
                bell.ring()
        except ClaimGone:
            return _goes_on(run_id)
        except asyncio.CancelledError:  # nobody prolongs its lease from here on
            self._has_left_some = True
            raise
        finally:
            del self._held[run_id]
        return _outcome(run_id, drive.state)

    async def _accept(
        self, place: Place, origin: RunOrigin, context: Context, state: RunState, now: datetime
    ) -> ClaimedRun:
        given = dumped(state.given)
        kept = place.known.redactor.payload(redacted(given))
        state.is_apart = kept == given
        progress = state_stored(state)
        row = NewRunRow(
            state.run_id,
            origin,
            "running",
            now,
            request_id=context.request_id,
            input=kept,
            progress=progress,
            ready_at=now + LEASE,
        )
        await self._services.writer.write(EncodedRun(origin.tenant_id, row.encoded(), has_work=True))
        epoch = await self._queue.adopt(state.run_id)
        if epoch is None:
            raise ClaimGone(str(state.run_id))
        return ClaimedRun(
            id=state.run_id,
            tenant_id=origin.tenant_id,
            environment_id=origin.environment_id,
            workflow_id=origin.workflow_id,
            version_id=origin.version_id,
            version_number=origin.version_number,
            entry=origin.entry,
            source=origin.source,
            section=origin.section,
            action=origin.action,
            workflow_name=origin.workflow_name,
            request_id=context.request_id,
            progress=progress,
            input=kept,
            sequence=1,
            delivery_id=None,
            started_at=now,
            claimed_at=now,
            epoch=epoch,
            was_taken=False,
            crashes=0,
            is_overdue=False,
            effects={},
        )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await self._queue.prolong({run_id: _ends_at(drive) for run_id, drive in self._held.items()})
            except Exception as problem:
                log.warning("stepwise.heart_missed", problem=type(problem).__name__)


def _ends_at(drive: Drive | None) -> datetime | None:
    return None if drive is None else drive.ends_at


def _outcome(run_id: UUID, state: RunState) -> Variables | Response:
    if state.status is Status.DONE:
        return state.variables
    if state.status is Status.FAILED:
        raise failed(state.error or {})
    return _goes_on(run_id)


def _goes_on(run_id: UUID) -> Response:
    """Answer that a worker finishes the run: it waits for another try, or somebody else took it over."""
    response = Response.json({"status": "accepted", "runId": str(run_id)}, 202)
    response.headers.append((b"weft-run", str(run_id).encode()))
    return response


def _without_private(variables: Variables) -> Variables:
    """Return a copy whose request has no credentials in its headers: it is going to be stored."""
    copied = variables.copy()
    request = copied.names["request"]
    if request is not None:
        headers = {name: value for name, value in request["headers"].items() if name not in PRIVATE_HEADERS}
        copied.names["request"] = {**request, "headers": headers}
    return copied
