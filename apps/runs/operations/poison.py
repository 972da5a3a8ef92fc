"""Runs that no driver survives: after as many silent owners as the engine allows, they end instead of coming back.

The engine counts what it can read (`engine.run.decide`); this is for a run whose state or version cannot be read, and
for faults of the driver itself.
"""

from typing import Any

from apps.engine.run.state import RunState, Status
from apps.runs.adapters.journal import Change, WorkFate
from apps.runs.adapters.payloads import LONGEST_STATE, dumped, fitting, state_read
from apps.runs.adapters.place import Place
from apps.runs.adapters.queue import ClaimedRun
from apps.runs.adapters.services import Services
from apps.runs.operations.driving import ClaimGone, Drive
from apps.runs.operations.pending import STATES


async def run_give_up(services: Services, place: Place | None, claimed: ClaimedRun) -> bool:
    """Fail a run that cannot be driven at all, as the same poison as `engine.run.decide`; False when it moved on."""
    error = {"code": "run.poison", "message": "Every worker that took this run failed."}
    state = _readable(claimed)
    if state is not None and place is not None:
        try:
            await Drive(services, place, claimed).give_up(error)
        except ClaimGone:
            return False
        return True
    change = Change(
        run_id=claimed.id,
        tenant_id=claimed.tenant_id,
        owner=services.owner,
        epoch=claimed.epoch,
        state=STATES[Status.FAILED],
        progress=None if state is None else _failed(state, error),
        error=dumped(error),
        ended=True,
        has_delivery=claimed.delivery_id is not None,
        work=WorkFate.DROP,
    )
    sequence = await services.journal.put(change)
    if sequence is not None:
        services.hints.tell(claimed.tenant_id, claimed.id, sequence)
    return sequence is not None


def _readable(claimed: ClaimedRun) -> RunState | None:
    try:
        return state_read(claimed.id, claimed.progress, claimed.input)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _failed(state: RunState, error: dict[str, Any]) -> bytes | None:
    """Return where the run stands, for whoever tries it again; None when that is too large."""
    state.status, state.error, state.wait = Status.FAILED, error, None
    return fitting(state.as_dict(), LONGEST_STATE)
