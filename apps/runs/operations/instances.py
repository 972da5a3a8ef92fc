"""Move a state-machine instance at a person's or a program's request, in one unit of work with its run row."""

from typing import Any, cast
from uuid import UUID

from apps.core import audit
from apps.core.errors import BadRequest, Conflict, Invalid, NotFound, WeftError
from apps.core.jobs import bell
from apps.core.scope import Actor, current_tenant
from apps.engine.ids import uuid7
from apps.engine.module import Context
from apps.engine.outcome import Rejected, StepFailed, TryAgain
from apps.engine.ports import LostRace, Unit
from apps.engine.redaction import Redactor
from apps.engine.sections.machine_parts import SECTION, Applied
from apps.runs.adapters.known import known_secrets
from apps.runs.adapters.payloads import PayloadTooLarge, dumped, fitting
from apps.runs.adapters.place import Place
from apps.runs.adapters.rows import NewRunRow
from apps.runs.adapters.services import Services
from apps.runs.adapters.unit import HostedUnit
from apps.runs.errors import NothingLive, PayloadRefused, TransitionRefused
from apps.runs.models import Instance
from apps.runs.operations.applications import secrets_read
from apps.runs.operations.inline import inline
from apps.runs.policy import EDIT_INSTANCES
from apps.runs.queries.instances import instance_get
from apps.runs.queries.programs import application_of
from apps.tenants.policy import require
from apps.workflows.queries.deployments import deployment_list
from apps.workflows.queries.links import link_patterns


def instance_transition(*, instance_id: UUID, transition: str, data: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Do one transition by the live version; hooks may veto it, processing steps follow as runs.

    Raises `BadRequest` with the expected and the actual state, `Conflict` on a lost race, `NothingLive` and
    `PayloadRefused`.
    """
    require(actor, EDIT_INSTANCES)
    row = Instance.objects.only("machine", "key", "workflow_id", "environment_id").filter(id=instance_id).first()
    if row is None:
        raise NotFound("There is no such instance.")
    place = _place(row)
    if row.machine not in place.application.machines:
        raise NothingLive(f"The live version has no state machine {row.machine}.")
    source = "manual" if actor.kind == "user" else "api"
    try:
        inline.call(lambda services: _apply(services, place, row.machine, row.key, transition, data, source))
    except (StepFailed, TryAgain, LostRace) as failure:
        raise _refusal(failure, place.known.redactor) from failure
    audit.record(
        verb="instance.transition", target="instance", target_id=instance_id, details={"transition": transition}
    )
    return instance_get(instance_id=instance_id)


def _place(row: Instance) -> Place:
    live = deployment_list(workflow_id=row.workflow_id, live_only=True).items
    found = next((each for each in live if each.environment_id == row.environment_id), None)
    where = {"workflow_id": row.workflow_id, "environment_id": row.environment_id}
    application = None if found is None else application_of(version=found.version, **where)
    if found is None or application is None:
        raise NothingLive("Nothing that is live drives this instance.")
    tenant, known = current_tenant(), known_secrets(row.environment_id)
    secrets_read(known, row.environment_id)
    application.values.use(known)
    return Place(
        tenant,
        str(tenant),
        row.environment_id,
        found.environment,
        row.workflow_id,
        found.workflow_slug,
        found.version_id,
        found.version,
        application,
        linked=link_patterns(workflow_id=row.workflow_id),
        known=known,
    )


async def _apply(
    services: Services, place: Place, machine: str, key: str, transition: str, data: dict[str, Any], source: str
) -> None:
    run_id = uuid7()
    unit = HostedUnit(services, place, run_id, audit.request_id())
    context = Context(cast(Unit, unit), run_id=run_id, request_id=unit.request_id)
    started_at = services.clock.now()
    try:
        applied = await place.application.machines[machine].apply(context, key, transition, data, create=False)
    except BaseException:
        await unit.rollback()
        raise
    committed = await unit.commit(row=_row(services, place, run_id, applied, source, started_at, data))
    if committed.has_work:
        bell.ring()


def _row(
    services: Services, place: Place, run_id: UUID, applied: Applied, source: str, started_at: Any, data: Any
) -> NewRunRow:
    machine, redactor, output = applied.instance.machine, place.known.redactor, fitting(applied.as_dict())
    finished_at = services.clock.now()
    origin = place.origin(
        source=source, entry=f"transition:{machine}", section=SECTION, action=applied.transition, workflow=machine
    )
    return NewRunRow(
        run_id,
        origin,
        "done",
        started_at,
        request_id=audit.request_id(),
        input=redactor.payload(dumped(data)),
        output=None if output is None else redactor.payload(output),
        steps=b"[]",
        finished_at=finished_at,
        duration_us=int((finished_at - started_at).total_seconds() * 1_000_000),
        correlation=applied.instance.key,
    )


def _refusal(failure: StepFailed | TryAgain | LostRace, redactor: Redactor) -> WeftError:
    if isinstance(failure, LostRace):
        return Conflict("Somebody else moved the instance first; look again.", code="conflict.lost_race")
    if isinstance(failure, TryAgain):
        return TransitionRefused(redactor.text(failure.message), code=failure.code)
    if isinstance(failure, PayloadTooLarge):
        return PayloadRefused(failure.message)
    if isinstance(failure, Rejected) and failure.status == 404:
        return NotFound(redactor.text(failure.message))
    message, errors = redactor.text(failure.message), failure.errors if isinstance(failure, Rejected) else []
    errors = redactor.tree(errors)
    if failure.status == Invalid.status:
        return Invalid(message, code=failure.code, errors=errors)
    return BadRequest(message, code=failure.code, errors=errors)
