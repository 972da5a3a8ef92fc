"""Say whether the ordered items are in stock, and hold them for a quarter of an hour.

Nine of ten orders are available. `simulate: out_of_stock` in the input makes this one unavailable, `simulate: error`
makes the warehouse fail at every try; any other value (`ok`) makes it available for sure.
"""

from datetime import timedelta
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import TryAgain

NAME = "inventory_checker"
CONTRACT = {
    "required_inputs": {"items": {"type": "slice", "description": "What is ordered; at least one item."}},
    "optional_inputs": {"simulate": {"type": "string", "description": "ok, out_of_stock or error, instead of chance."}},
    "outputs": {
        "available": {"type": "bool", "description": "Whether all items are in stock."},
        "reserved_until": {"type": "string", "description": "How long the items are held (RFC 3339)."},
        "reason": {"type": "string", "description": "out_of_stock when they are not."},
    },
}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Check and hold the items."""
    wish = params.get("simulate")
    if wish == "error":
        raise TryAgain("The warehouse does not answer.", code="inventory.unreachable")
    in_stock = bool(params["items"]) and (context.unit.clock.random() < 0.9 if wish is None else wish != "out_of_stock")
    if not in_stock:
        return {"available": False, "reason": "out_of_stock"}
    until = context.unit.clock.now() + timedelta(minutes=15)
    return {"available": True, "reserved_until": until.isoformat()}
