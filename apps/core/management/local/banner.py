"""What ``dev`` prints when everything is up: where to look, as whom, and how to post an order."""

from collections.abc import Mapping

from apps.core.management.local.demo import CAST, OPERATOR, ORDER, ORDERS_PATH, PASSWORD, TENANTS


def banner(url: str, environment: Mapping[str, str]) -> str:
    """Plain lines, so that they can be copied."""
    people = "\n".join(f"    {tenant.email:<24} {PASSWORD}   {url}/t/{tenant.slug}/" for tenant in CAST)
    return f"""
  Weft is running at {url}

  Sign in:
{people}
    {OPERATOR:<24} {PASSWORD}   {url}/admin/

  API reference:  {url}/api/docs
  Mail it sends:  {environment["DATA_DIR"]}/mail

  Post an order:
    curl -i -X POST {url}/w/{TENANTS[0]}/{ORDERS_PATH} -H 'Content-Type: application/json' -d '{ORDER}'

  Ctrl-C ends everything.
"""
