"""Which version is live in which environment: deploying, rolling back (deploying an older version), taking out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from django.db import transaction

from apps.core import audit, events
from apps.core.clock import now
from apps.core.errors import NotFound
from apps.core.scope import Actor, current_tenant
from apps.core.single import single
from apps.engine import findings as engine_findings
from apps.engine.findings import Finding, Severity
from apps.engine.secret_values import SecretValues
from apps.tenants.policy import require
from apps.tenants.queries import EnvironmentView, environment_get, secret_references
from apps.workflows.errors import DocumentRefused
from apps.workflows.events import DEPLOYMENT_CHANGED, DeploymentPlan
from apps.workflows.models import Deployment, Version, Workflow
from apps.workflows.operations.deployment_checks import objections
from apps.workflows.operations.workflows import workflow_lock, workflow_lock_for_change
from apps.workflows.policy import DEPLOY
from apps.workflows.queries.compiling import compiled
from apps.workflows.queries.deployments import DeploymentView, deployment_get
from apps.workflows.queries.documents import Checked, document_check

StateMap = Mapping[str, Mapping[str, str]]


@transaction.atomic
def deployment_create(
    *,
    workflow_id: UUID,
    environment: str,
    version: int,
    confirm_orphans: bool = False,
    allow_placeholders: bool = False,
    state_map: StateMap | None = None,
    actor: Actor,
) -> DeploymentView:
    """Make a version live in an environment; what was live there is replaced in the same transaction.

    An older version is a roll-back and no different. Deploying what is live already returns that deployment and changes
    nothing. Raises `DocumentRefused` with all findings when one of them is blocked (an unknown module type, a secret
    that the environment lacks or whose value does not fit where it stands, live instances in a state the document
    lacks, placeholder types unless they are allowed), `NotFound` and `WorkflowArchived`.
    """
    require(actor, DEPLOY)
    workflow = workflow_lock_for_change(workflow_id)
    target = environment_get(name=environment)
    chosen = _version(workflow, version)
    live = _live(workflow.id, target.id)
    if live is not None and live.version_id == chosen.id:
        return deployment_get(deployment_id=live.id)
    checked = document_check(
        text=bytes(chosen.document),
        secrets=secret_references(environment_id=target.id),
        allow_placeholders=allow_placeholders,
        environment_id=target.id,
    )
    _demand_deployable(workflow, target, chosen, checked, confirm_orphans, state_map or {})
    deployment = Deployment(
        workflow_id=workflow.id,
        environment_id=target.id,
        version_id=chosen.id,
        deployed_by=actor.label,
        are_orphans_confirmed=confirm_orphans,
        state_map=json.dumps(state_map or {}),
    )
    _replace(live, deployment)
    details = {"environment": target.name, "version": chosen.number, "sha256": chosen.sha256}
    if allow_placeholders:
        details["allow_placeholders"] = True
    audit.record(verb="deployment.create", target="workflow", target_id=workflow.id, details=details)
    _announce(deployment)
    return DeploymentView(
        id=deployment.id,
        workflow_id=workflow.id,
        workflow_slug=workflow.slug,
        environment_id=target.id,
        environment=target.name,
        version_id=chosen.id,
        version=chosen.number,
        sha256=chosen.sha256,
        deployed_at=deployment.deployed_at,
        deployed_by=deployment.deployed_by,
        ended_at=None,
        are_orphans_confirmed=confirm_orphans,
        state_map=json.loads(deployment.state_map),
    )


@transaction.atomic
def deployment_end(*, deployment_id: UUID, actor: Actor) -> DeploymentView:
    """Take a workflow out of an environment: its addresses answer 404 from then on; running runs finish.

    Ending what has ended changes nothing. Raises `NotFound`.
    """
    require(actor, DEPLOY)
    view = deployment_get(deployment_id=deployment_id)
    workflow = workflow_lock(view.workflow_id)
    deployment = Deployment.objects.select_for_update().get(id=deployment_id)
    if deployment.ended_at is None:
        deployment.ended_at = now()
        deployment.save(update_fields=["ended_at"])
        details = {"environment": view.environment, "version": view.version}
        audit.record(verb="deployment.end", target="workflow", target_id=workflow.id, details=details)
        _announce(deployment)
    return replace(view, ended_at=deployment.ended_at)  # nothing else of it ever changes


def _version(workflow: Workflow, number: int) -> Version:
    found = single(Version.objects.filter(workflow_id=workflow.id, number=number))
    if found is None:
        raise NotFound(f"The workflow has no version {number}.")
    return found


def _live(workflow_id: UUID, environment_id: UUID) -> Deployment | None:
    rows = Deployment.objects.select_for_update().filter(workflow_id=workflow_id, environment_id=environment_id)
    return single(rows.filter(ended_at__isnull=True))


def _demand_deployable(
    workflow: Workflow,
    target: EnvironmentView,
    version: Version,
    checked: Checked,
    confirm_orphans: bool,
    state_map: StateMap,
) -> None:
    findings = list(checked.findings)
    if checked.document is not None:
        plan = DeploymentPlan(
            environment_id=target.id,
            environment=target.name,
            workflow_id=workflow.id,
            version_id=version.id,
            version=version.number,
            document=checked.document,
            confirm_orphans=confirm_orphans,
            state_map=state_map,
        )
        findings += objections(plan)
    if not _blocks(findings) and checked.document is not None:
        findings += _refused_by_compiler(checked.document.text, checked.values)
    if _blocks(findings):
        what = f"Version {version.number} cannot be deployed to {target.name}."
        raise DocumentRefused(what, sorted(findings), environment=target.name, version=version.number)


def _blocks(findings: Iterable[Finding]) -> bool:
    return any(finding.severity is not Severity.WARNING for finding in findings)


def _refused_by_compiler(text: str, values: SecretValues | None) -> list[Finding]:
    """Return what only shows when the programs are built, such as their size with every used pipeline in place.

    What is compiled is kept: the subscriptions and the schedules of the deployment are read from it next.
    """
    found = compiled(text, values)
    return list(found.findings) if isinstance(found, engine_findings.DocumentRefused) else []


def _replace(live: Deployment | None, deployment: Deployment) -> None:
    deployment.deployed_at = now()
    if live is not None:
        live.ended_at = deployment.deployed_at
        live.save(update_fields=["ended_at"])
    deployment.save(force_insert=True)


def _announce(deployment: Deployment) -> None:
    events.publish(
        DEPLOYMENT_CHANGED,
        deployment_id=deployment.id,
        workflow_id=deployment.workflow_id,
        environment_id=deployment.environment_id,
        version_id=deployment.version_id,
        is_live=deployment.ended_at is None,
    )
    events.notify("deployment", current_tenant(), deployment.workflow_id)
