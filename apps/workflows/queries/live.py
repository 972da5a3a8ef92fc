"""What the run path loads: the live document of an address, and the document of a version a run started with.

Callers are caches in front of tenants' traffic (`data.md` 8): each function opens a read-only scope of its own, so it
may be called from any thread that holds none, and returns a frozen value that holds no secret.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.core.scope import SYSTEM, scope
from apps.core.single import single
from apps.tenants.queries import tenant_by_slug
from apps.workflows.models import Deployment, Version
from apps.workflows.queries.links import link_patterns


@dataclass(frozen=True, slots=True)
class LiveDeployment:
    """A version that is live in an environment, with its text; compiled ones are kept by (sha256, secrets_version)."""

    tenant_id: UUID
    environment_id: UUID
    environment: str
    workflow_id: UUID
    workflow_slug: str
    deployment_id: UUID
    version_id: UUID
    version: int
    sha256: str
    secrets_version: int
    document: str
    linked: tuple[str, ...] = ()  # what links to other workflows take in


@dataclass(frozen=True, slots=True)
class VersionText:
    """A version by itself, live or not."""

    tenant_id: UUID
    workflow_id: UUID
    version_id: UUID
    version: int
    sha256: str
    document: str
    linked: tuple[str, ...] = ()


def deployment_live(*, tenant_slug: str, environment: str, workflow_slug: str) -> LiveDeployment | None:
    """Return what an address serves, None when there is no such tenant, environment, workflow or deployment."""
    tenant = tenant_by_slug(tenant_slug)
    if tenant is None:
        return None
    return _live(tenant.id, environment__name=environment, workflow__slug=workflow_slug)


def deployment_live_by_id(*, tenant_id: UUID, environment_id: UUID, workflow_id: UUID) -> LiveDeployment | None:
    """Return what is live of a workflow in an environment, None when nothing is."""
    return _live(tenant_id, environment_id=environment_id, workflow_id=workflow_id)


def version_by_id(*, tenant_id: UUID, version_id: UUID) -> VersionText | None:
    """Return the version that a run keeps, None when the tenant has no such version."""
    with scope(tenant_id, SYSTEM, read_only=True):
        row = single(Version.objects.filter(id=version_id).defer("findings"))
        if row is None:
            return None
        document, linked = bytes(row.document).decode(), link_patterns(workflow_id=row.workflow_id)
        return VersionText(tenant_id, row.workflow_id, row.id, row.number, row.sha256, document, linked)


def _live(tenant_id: UUID, **where: Any) -> LiveDeployment | None:
    with scope(tenant_id, SYSTEM, read_only=True):
        row = single(
            Deployment.objects.filter(ended_at__isnull=True, workflow__archived_at__isnull=True, **where).values_list(
                "environment_id",
                "environment__name",
                "workflow_id",
                "workflow__slug",
                "id",
                "version_id",
                "version__number",
                "version__sha256",
                "environment__secrets_version",
                "version__document",
            )
        )
        if row is None:
            return None
        linked = link_patterns(workflow_id=row[2])
    return LiveDeployment(tenant_id, *row[:-1], document=bytes(row[-1]).decode(), linked=linked)
