"""What the portal's pages post, aimed at one tenant's rows; a page about one row needs no entry."""

from apps.core.scope import SYSTEM, scope
from apps.runs.models import Delivery
from tests.support.examples.workflows import link_id
from tests.support.isolation import form
from tests.support.tenants import TenantFixture


def dead_letter(tenant: TenantFixture) -> str:
    """Return the id of the tenant's dead letter."""
    with scope(tenant.id, SYSTEM):
        return str(Delivery.objects.latest("id").id)


form(
    "t/<slug:tenant>/messages",
    lambda tenant: {"deed": "replay", "id": dead_letter(tenant)},
    lambda tenant: {"deed": "discard", "id": dead_letter(tenant)},
)
form("t/<slug:tenant>/workflows", lambda tenant: {"project": tenant.project.slug, "name": "Planted"})
form(
    "t/<slug:tenant>/workflows/<slug:slug>/links",
    lambda tenant: {"deed": "remove", "id": str(link_id(tenant))},
    lambda tenant: {"deed": "create", "target": "orders", "link_type": "stolen.*"},
)
form(
    "t/<slug:tenant>/workflows/<slug:slug>",
    lambda tenant: {"deed": "archive"},
    lambda tenant: {"deed": "rename", "name": "x"},
)
