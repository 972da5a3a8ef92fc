"""The JSON that the workflow page starts from; the same shapes as the API answers."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.core.pages.views import may
from apps.tenants.queries import environment_list
from apps.workflows.policy import DEPLOY, EDIT, PUBLISH
from apps.workflows.queries.addresses import AddressView, address_list
from apps.workflows.queries.deployments import DeploymentView, deployments_live_of
from apps.workflows.queries.documents import document_check
from apps.workflows.queries.versions import VersionView, version_list
from apps.workflows.queries.workflows import WorkflowView, draft_get

SHOWN_VERSIONS = 50
SHOWN_RUNS = 20
BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
RUN_PAGE = "/t/{tenant}/runs/"


def workflow_facts(request: HttpRequest, workflow: WorkflowView) -> dict[str, Any]:
    """Gather everything that the page draws."""
    draft = draft_get(workflow_id=workflow.id)
    checked = document_check(text=draft.text)
    live = deployments_live_of(workflow_ids=[workflow.id]).get(workflow.id, [])
    is_open = workflow.archived_at is None
    return {
        "workflow": {"id": str(workflow.id), "slug": workflow.slug, "name": workflow.name},
        "draft": {
            "text": draft.text,
            "revision": draft.revision,
            "saved_at": draft.saved_at.isoformat(),
            "saved_by": draft.saved_by,
        },
        "checked": {
            "findings": [finding.as_dict() for finding in checked.findings],
            "graph": checked.graph(),
        },
        "versions": [_version(one) for one in version_list(workflow_id=workflow.id, limit=SHOWN_VERSIONS).items],
        "deployments": [_deployment(one) for one in live],
        "environments": [{"name": one.name, "is_production": one.is_production} for one in environment_list()],
        "addresses": addresses(workflow.id),
        "can": {
            "edit": is_open and may(request, EDIT),
            "publish": is_open and may(request, PUBLISH),
            "deploy": is_open and may(request, DEPLOY),
        },
        "urls": _urls(request, workflow),
    }


def addresses(workflow_id: UUID) -> list[dict[str, str]]:
    """List where the live versions answer, each with a line to try it."""
    return [_address(one) for one in address_list(workflow_id=workflow_id)]


def _address(one: AddressView) -> dict[str, str]:
    url = f"{settings.PUBLIC_URL}{one.base}"
    body = " \\\n  -H 'Content-Type: application/json' -d '{}'" if one.method in BODY_METHODS else ""
    method = "" if one.method == "GET" else f" -X {one.method}"
    return {
        "environment": one.environment,
        "base": url,
        "method": one.method,
        "path": one.pattern,
        "curl": f"curl -i{method} '{url}{one.pattern}'{body}",
    }


def _urls(request: HttpRequest, workflow: WorkflowView) -> dict[str, str]:
    tenant: str = request.tenant.slug  # type: ignore[attr-defined]
    in_tenant = {"tenant": tenant}
    of_workflow = in_tenant | {"workflow_id": workflow.id}
    runs = f"/t/{tenant}/api/v1/runs"
    return {
        "check": reverse("tenant-api:check", kwargs=in_tenant),
        "draft": reverse("tenant-api:draft", kwargs=of_workflow),
        "versions": reverse("tenant-api:versions", kwargs=of_workflow),
        "deployments": reverse("tenant-api:workflow-deployments", kwargs=of_workflow),
        "addresses": reverse("workflow-addresses", kwargs=in_tenant | {"slug": workflow.slug}),
        "runs": f"{runs}?workflow_id={workflow.id}&limit={SHOWN_RUNS}",
        "run": f"{runs}/{{id}}",
        "runPage": RUN_PAGE.format(tenant=tenant) + "{id}",
    }


def _version(one: VersionView) -> dict[str, Any]:
    return {
        "number": one.number,
        "sha256": one.sha256,
        "note": one.note,
        "findings": one.findings,
        "published_at": one.published_at.isoformat(),
        "published_by": one.published_by,
    }


def _deployment(one: DeploymentView) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "environment": one.environment,
        "version": one.version,
        "deployed_at": one.deployed_at.isoformat(),
        "deployed_by": one.deployed_by,
        "ended_at": None,
    }
