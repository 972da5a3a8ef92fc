"""Where live workflows answer: the routes of each live version under its public address (data.md 10)."""

from dataclasses import dataclass
from uuid import UUID

from apps.tenants.queries import tenant_get
from apps.workflows.queries.compiling import compiled_in
from apps.workflows.queries.deployments import DeploymentView, deployments_live_of
from apps.workflows.queries.versions import version_text

PRODUCTION = "prod"
SHOWN = ("section", "trigger")


@dataclass(frozen=True, slots=True)
class AddressView:
    """One route of a live version; `base` is the path before it, `pattern` is shown without secrets."""

    environment: str
    base: str
    method: str
    pattern: str


def address_list(*, workflow_id: UUID) -> list[AddressView]:
    """Return the routes of a workflow by environment, in the order of the document."""
    slug = tenant_get().slug
    live = deployments_live_of(workflow_ids=[workflow_id]).get(workflow_id, [])
    return [address for deployment in live for address in _of(deployment, slug)]


def _of(deployment: DeploymentView, tenant_slug: str) -> list[AddressView]:
    mark = "" if deployment.environment == PRODUCTION else f"{deployment.environment}~"
    base = f"/w/{tenant_slug}/{mark}{deployment.workflow_slug}"
    text = version_text(workflow_id=deployment.workflow_id, number=deployment.version)
    application = compiled_in(text, deployment.environment_id)
    if application is None:
        return []
    return [
        AddressView(deployment.environment, base, route.method, application.values.hidden_in(route.pattern))
        for route in application.routes.routes
        if route.source in SHOWN
    ]
