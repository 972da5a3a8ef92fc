"""What ``dev`` prints when everything is up: where to look, as whom, and how to post an order."""

from collections.abc import Mapping

PEOPLE = (("acme", "olive@acme.example"), ("globex", "omar@globex.example"))
PASSWORD = "weave-the-demo"  # noqa: S105 - the demo tenants' own, printed on purpose
TENANTS = tuple(tenant for tenant, _ in PEOPLE)
ORDER = '{"customer": "Ada", "items": [{"sku": "TEA-1", "quantity": 2, "price": 4.5}]}'
ORDERS_PATH = "order-processing/orders"


def banner(url: str, environment: Mapping[str, str]) -> str:
    """Plain lines, so that they can be copied."""
    people = "\n".join(f"    {email:<24} {PASSWORD}   ({url}/t/{tenant}/)" for tenant, email in PEOPLE)
    return f"""
  Weft is running at {url}

  Sign in:
{people}

  API documentation:  {url}/api/docs
  Mail it sends:      {environment["DATA_DIR"]}/mail

  Post an order:
    curl -i -X POST {url}/w/acme/{ORDERS_PATH} -H 'Content-Type: application/json' -d '{ORDER}'

  Ctrl-C ends everything.
"""
