"""What a deployment changes here, inside its transaction: what it listens to and does by the clock, and instances."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import orjson

from apps.core.jobs import ring
from apps.core.scope import current_tenant
from apps.core.sealing import seal
from apps.engine.application import Application
from apps.engine.document import Document
from apps.engine.findings import Finding, Severity
from apps.engine.ids import uuid7
from apps.runs.adapters import control
from apps.runs.adapters.rows import clean
from apps.runs.operations.consumers import consumers_rewrite
from apps.runs.operations.schedules import schedules_rewrite
from apps.runs.queries.instances import live_states
from apps.runs.queries.programs import application_of
from apps.runs.rules.sealing import TRANSITION_DATA
from apps.workflows.events import DeploymentPlan
from apps.workflows.queries.compiling import may_name, settled_secrets
from apps.workflows.queries.deployments import DeploymentView, deployment_get, deployments_live_in
from apps.workflows.queries.versions import version_text

ORPHANED = "instances.orphaned"
MAPPED = "deployment.state-map"


def deployment_changed(*, deployment_id: UUID, **_: object) -> None:
    """Take over what a deployment listens to and does by the clock, or let go of it when it has ended."""
    deployment = deployment_get(deployment_id=deployment_id)
    if not deployment.is_live:
        _rewrite(deployment, None)
        return
    _rewrite(deployment, _application(deployment))
    _move_instances(deployment)
    ring()


def secrets_changed(*, environment_id: UUID, name: str, **_: object) -> None:
    """Take over anew what live documents listen to and do by the clock where that is made of a secret.

    What cannot be compiled with the new values keeps what it has, until the secret is set right.
    """
    for deployment in deployments_live_in(environment_id=environment_id):
        text = version_text(workflow_id=deployment.workflow_id, number=deployment.version)
        if not may_name(text, name) or name not in settled_secrets(text):
            continue
        application = _application(deployment)
        if application is not None:
            _rewrite(deployment, application)
            ring()


def _application(deployment: DeploymentView) -> Application | None:
    return application_of(
        workflow_id=deployment.workflow_id, version=deployment.version, environment_id=deployment.environment_id
    )


def _rewrite(deployment: DeploymentView, application: Application | None) -> None:
    """Leave exactly the subscriptions, schedules and consumers of an application."""
    control.execute(control.SQL.subscriptions_clear, (deployment.environment_id, deployment.workflow_id))
    for subscription in () if application is None else application.subscriptions:
        control.execute(
            control.SQL.subscription_add,
            (
                uuid7(),
                current_tenant(),
                deployment.environment_id,
                deployment.workflow_id,
                deployment.version_id,
                deployment.version,
                clean(subscription.name),
                clean(subscription.topic),
                subscription.entry,
                subscription.ordering,
            ),
        )
    schedules_rewrite(deployment, () if application is None else application.schedules)
    consumers_rewrite(deployment, () if application is None else application.feeds)


def orphaned_instances(plan: DeploymentPlan) -> Iterable[Finding]:
    """Object to a document that lacks the state of live instances, unless they are mapped or confirmed."""
    if plan.confirm_orphans:
        return
    states = _states_of(plan.document)
    for (machine, state), count in sorted(live_states(
        workflow_id=plan.workflow_id, environment_id=plan.environment_id
    ).items()):  # fmt: skip
        target = plan.state_map.get(machine, {}).get(state, state)
        if target in states.get(machine, frozenset()):
            continue
        mark = plan.document.mark_of(("workflows", "statemachine"))
        yield Finding(
            mark.line,
            mark.column,
            "workflows.statemachine.definitions",
            Severity.BLOCKED,
            ORPHANED,
            f"{count} live instances of {machine} stand in {target!r}, which this document lacks; map it or confirm.",
        )


def _states_of(document: Document) -> Mapping[str, frozenset[str]]:
    section = document.workflows.get("statemachine") or {}
    definitions = section.get("definitions") or []
    return {
        str(definition.get("name")): frozenset(map(str, definition.get("states") or {}))
        for definition in definitions
        if isinstance(definition, dict)
    }


def _move_instances(deployment: DeploymentView) -> None:
    for machine, moves in deployment.state_map.items():
        for old, new in moves.items():
            values = (new, deployment.workflow_id, deployment.environment_id, machine, old)
            for instance_id, sequence in control.rows(control.SQL.instances_map, values):
                data = seal(orjson.dumps({"deployment": str(deployment.id)}), current_tenant(), TRANSITION_DATA)
                line = (uuid7(), current_tenant(), instance_id, sequence, MAPPED, old, new, data)
                control.execute(control.SQL.transition_add, line)
