"""Start, cancel and retry runs: state changes in the database by anyone, not requests to a worker (law 7)."""

from typing import Any
from uuid import UUID

import orjson

from apps.core import audit
from apps.core.clock import now
from apps.core.errors import NotFound
from apps.core.jobs import ring
from apps.core.scope import Actor, current_tenant
from apps.core.sealing import opened, seal
from apps.engine.events import Hearing, ending
from apps.engine.hops import Way
from apps.engine.ids import uuid7
from apps.engine.links.following import is_forwarding
from apps.engine.run.decide import decide
from apps.engine.run.program import Program
from apps.engine.run.state import Event, RunState, SendAgain, Settled, Status, way_stored
from apps.engine.topics import TopicTable
from apps.engine.trigger import UnknownWorkflow
from apps.runs.adapters import control
from apps.runs.adapters.payloads import PayloadTooLarge, dumped, state_read, state_stored
from apps.runs.adapters.rows import RunOrigin, shard_of
from apps.runs.adapters.starts import accepted_row
from apps.runs.errors import NothingLive, PayloadRefused, RunFinished, RunNotRetryable, UnknownTarget
from apps.runs.policy import CANCEL, RETRY, START
from apps.runs.queries.programs import application_of, program_of
from apps.runs.queries.runs import run_get
from apps.runs.rules.sealing import RUN_ERROR, RUN_INPUT, RUN_PROGRESS
from apps.tenants.policy import require
from apps.workflows.queries.deployments import deployment_list
from apps.workflows.queries.links import link_patterns
from apps.workflows.queries.workflows import workflow_get

FINAL = frozenset({"done", "failed", "cancelled"})


def run_start(
    *, workflow_id: UUID, environment: str, workflow: str, action: str, data: Any, actor: Actor
) -> dict[str, Any]:
    """Accept a run of what is live: `workflow` names a section, a definition or a pipeline of the document.

    Raises `NotFound`, `NothingLive`, `PayloadRefused`, and `UnknownTarget` when the document has nothing of that name.
    """
    require(actor, START)
    workflow_get(workflow_id=workflow_id)
    live = deployment_list(workflow_id=workflow_id, environment=environment, live_only=True, limit=1).items
    if not live:
        raise NothingLive(f"The workflow is not live in {environment}.")
    application = application_of(
        workflow_id=workflow_id, version=live[0].version, environment_id=live[0].environment_id
    )
    if application is None:
        raise NothingLive("The live version cannot be read by this build.")
    try:
        asked = application.resolve(workflow, action, data)
    except UnknownWorkflow as unknown:
        raise UnknownTarget(unknown.message, errors=[{"pointer": "/workflow", "message": unknown.message}]) from None
    origin = RunOrigin(
        current_tenant(),
        live[0].environment_id,
        workflow_id,
        live[0].version_id,
        live[0].version,
        "manual" if actor.kind == "user" else "api",
        asked.entry,
        asked.section,
        asked.action,
        asked.workflow,
    )
    asking = audit.request_id()
    try:
        row = accepted_row(uuid7(), origin, asked.data, now(), correlation=asked.correlation, request_id=asking)
    except PayloadTooLarge as refused:
        raise PayloadRefused(refused.message) from None
    control.run_insert(row)
    audit.record(verb="run.start", target="run", target_id=row.id, details={"workflow": workflow, "action": action})
    return run_get(run_id=row.id)


def run_cancel(*, run_id: UUID, actor: Actor) -> dict[str, Any]:
    """End a run that has not ended; what a worker still learns about it is refused. Raises `RunFinished`."""
    require(actor, CANCEL)
    now_in, progress, source, *_ = _locked(run_id)
    if now_in in FINAL:
        raise RunFinished(f"The run is {now_in}.")
    error = dumped({"code": "run.cancelled", "message": f"Cancelled by {actor.label}."})
    sequence = control.rows(control.SQL.run_cancel, (seal(error, current_tenant(), RUN_ERROR), run_id))[0][0]
    control.execute(control.SQL.steps_cancel, (sequence, run_id))
    control.execute(control.SQL.work_drop, (run_id,))
    control.lane_free(run_id)
    state: dict[str, Any] = {"quiet": True} if progress is None else orjson.loads(progress)
    if not state.get("quiet") and not is_forwarding(source, state["entry"]):
        _tell_cancelled(run_id, orjson.loads(error), way_stored(state))
    audit.record(verb="run.cancel", target="run", target_id=run_id)
    control.hint_after_commit(run_id, sequence)
    return run_get(run_id=run_id)


def _tell_cancelled(run_id: UUID, error: dict[str, Any], way: Way) -> None:
    """Publish the run's last lifecycle event when its application, or a link, takes it in."""
    section, action, workflow, tenant_id, environment_id, workflow_id, version, started_at = control.rows(
        control.SQL.run_told, (run_id,)
    )[0]
    application = application_of(workflow_id=workflow_id, version=version, environment_id=environment_id)
    linked = TopicTable((pattern, True) for pattern in link_patterns(workflow_id=workflow_id))
    is_heard = application.is_heard if application else lambda topic: False
    if not Hearing(section, lambda topic: is_heard(topic) or bool(linked.find(topic))).fail:
        return
    ended_at = now()
    run = {
        "section": section,
        "action": action,
        "workflow": workflow,
        "state": "cancelled",
        "finished_at": ended_at,
        "duration_us": int((ended_at - started_at).total_seconds() * 1_000_000),
        "error": error,
    }
    control.tell((tenant_id, environment_id, workflow_id), run_id, ending(run), ended_at, way=way)


def run_retry(*, run_id: UUID, actor: Actor) -> dict[str, Any]:
    """Try a failed run again from the step that failed. Raises `RunNotRetryable` for anything else."""
    require(actor, RETRY)
    state, progress, source, _, attempt, version, workflow_id, environment_id, given = _locked(run_id)
    if state != "failed":
        raise RunNotRetryable(f"The run is {state}.")
    if progress is None:
        what = "It was a request" if source == "http" else "Where it stood is not known"
        raise RunNotRetryable(f"{what}; send it again.")
    stored = state_read(run_id, progress, given)
    program = _program(version, workflow_id, environment_id, stored)
    run_make_ready(run_id=run_id, state=stored, event=SendAgain(), attempt=attempt + 1, program=program)
    control.execute(control.SQL.delivery_revive, (run_id,))
    audit.record(verb="run.retry", target="run", target_id=run_id)
    return run_get(run_id=run_id)


def _program(version: int, workflow_id: UUID, environment_id: UUID, state: RunState) -> Program:
    found = program_of(workflow_id=workflow_id, version=version, environment_id=environment_id, entry=state.entry)
    if found is None:
        raise RunNotRetryable("The version it ran on cannot be read any more.")
    return found


def run_make_ready(*, run_id: UUID, state: RunState, event: Event, attempt: int, program: Program) -> None:
    """Put a parked or failed run back into the queue, as `event` decides; raise `RunNotRetryable` when it does not."""
    ready, _ = decide(program, state, event, now())
    if ready.status is not Status.READY or ready.wait is None:
        raise RunNotRetryable(f"The run is {state.status.value}.")
    wait = ready.wait
    tenant = current_tenant()
    progress = seal(state_stored(ready), tenant, RUN_PROGRESS)
    values = (progress, attempt, wait.reason.value, wait.since, wait.frees, run_id)
    sequence = control.rows(control.SQL.run_ready, values)[0][0]
    control.execute(control.SQL.work_queue, (run_id, tenant, run_id, shard_of(tenant), run_id))
    control.hint_after_commit(run_id, sequence)
    ring()


def run_settle(*, run_id: UUID, event: Settled | SendAgain) -> None:
    """Put a run whose effect was in doubt back into the queue."""
    _, progress, _, _, attempt, version, workflow_id, environment_id, given = _locked(run_id)
    if progress is None:
        raise RunNotRetryable("It was a request.")
    stored = state_read(run_id, progress, given)
    program = _program(version, workflow_id, environment_id, stored)
    run_make_ready(run_id=run_id, state=stored, event=event, attempt=attempt, program=program)


def _locked(run_id: UUID) -> tuple[Any, ...]:
    """Return the columns of `run_lock`, progress and input opened."""
    found = control.rows(control.SQL.run_lock, (run_id,))
    if not found:
        raise NotFound("There is no such run.")
    state, progress, *others, given = found[0]
    tenant = current_tenant()
    return state, opened(progress, tenant, RUN_PROGRESS), *others, opened(given, tenant, RUN_INPUT)
