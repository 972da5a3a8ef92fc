"""The demo's cast: two tenants, who owns them, and the order that people are invited to post."""

from dataclasses import dataclass

PASSWORD = "weave-the-demo"  # noqa: S105 - the demo tenants' own, printed on purpose
WORKFLOW = "order-processing"
ORDERS_PATH = f"{WORKFLOW}/orders"
ORDER = '{"customer": "Ada", "items": [{"sku": "TEA-1", "quantity": 2, "price": 4.5}]}'
WEBHOOK_SECRET = "ORDER_WEBHOOK_URL"  # noqa: S105 - the name of a secret, not one
RECEIVER_VARIABLE = "DEMO_RECEIVER_URL"
OPERATOR = "operator@weft.example"


@dataclass(frozen=True)
class DemoTenant:
    """A tenant and its owner."""

    slug: str
    name: str
    email: str
    person: str


CAST = (
    DemoTenant("acme", "Acme", "olive@acme.example", "Olive Acme"),
    DemoTenant("globex", "Globex", "omar@globex.example", "Omar Globex"),
)
TENANTS = tuple(tenant.slug for tenant in CAST)
