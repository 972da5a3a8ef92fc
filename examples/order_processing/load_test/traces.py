"""What the orders of one load left behind, by their keys: in the database, and with the partner."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from examples.order_processing.load_test.product import Product

Found = dict[str, list[str]]  # Idempotency-Key -> the ids of the orders made of it, one for each row
KeyIn = Callable[[str], str]
EXAMPLES = 5

ORDERS = "select tenant_id, key, data from runs_storedresource where kind = 'orders' and created_at >= %s"
INSTANCES = "select tenant_id, key, data from runs_instance where started_at >= %s"
FINAL_INSTANCES = f"{INSTANCES} and completed"
MESSAGES = "select tenant_id, key, payload from runs_message where topic = '{topic}' and published_at >= %s"
RESOURCE, INSTANCE, MESSAGE = "runs_storedresource|data", "runs_instance|data", "runs_message|payload"
IN_DATABASE = {
    "orders": (ORDERS, RESOURCE),
    "instances": (INSTANCES, INSTANCE),
    "acceptances": (MESSAGES.format(topic="order.accepted"), MESSAGE),
    "notifications": (MESSAGES.format(topic="order.finished"), MESSAGE),
}


def marked(product: Product, sql: str, column: str, tag: str, since: datetime) -> Iterator[tuple[str, str]]:
    """Give key and content of the rows since then that bear the load's tag."""
    return ((key, content) for key, content in product.contents(sql, column, since) if tag in content)


def traces_in_database(product: Product, tag: str, key_in: KeyIn, since: datetime) -> dict[str, Found]:
    """Return everything since then that bears the load's tag, whether or not an answer told of it."""
    traces: dict[str, Found] = {}
    for what, (sql, column) in IN_DATABASE.items():
        found: Found = traces.setdefault(what, {})
        for order_id, content in marked(product, sql, column, tag, since):
            found.setdefault(key_in(content), []).append(order_id)
    return traces


def deliveries(product: Product, key_in: KeyIn) -> Iterator[tuple[str, str, str]]:
    """Give key, order id and webhook-id of every call that the partner took from this load, repeats included."""
    if not product.deliveries_file.exists():
        return
    for line in product.deliveries_file.read_text(encoding="utf-8").splitlines():
        delivery: dict[str, Any] = json.loads(line)
        key = key_in(str((delivery["body"] or {}).get("customer", "")))
        if key:
            yield key, delivery["body"]["id"], delivery["webhook_id"]


def traces_with_partner(product: Product, key_in: KeyIn) -> Found:
    """Return the orders that the partner was told of, one for each distinct webhook-id."""
    found: Found = {}
    for key, order_id, _ in sorted(set(deliveries(product, key_in))):
        found.setdefault(key, []).append(order_id)
    return found


def faults(accepted: Mapping[str, str], traces: Mapping[str, Found]) -> list[str]:
    """Compare each kind of trace with the accepted orders (key -> id): each left exactly one, and nothing else any."""
    said: list[str] = []
    for what, found in traces.items():
        wrong = [key for key in sorted({*accepted, *found}) if found.get(key, []) != _expected(accepted, key)]
        said += [
            f"{what}: key {key} has {found.get(key, [])}, its answer said {accepted.get(key, 'nothing')}"
            for key in wrong[:EXAMPLES]
        ]
        if len(wrong) > EXAMPLES:
            said.append(f"{what}: {len(wrong)} keys in all are lost, doubled or foreign")
    return said


def _expected(accepted: Mapping[str, str], key: str) -> list[str]:
    return [accepted[key]] if key in accepted else []
