"""Hand an order to a simulated carrier.

Of a hundred parcels 95 get a tracking number; for 5 the carrier does not answer and the step is tried again.
`simulate: error` or `carrier_down` in the input makes it fail on every try; any other value (`ok`) ships. The tracking
number follows from the step, so a second try of the same step names the same parcel.
"""

from datetime import timedelta
from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import TryAgain

NAME = "shipping_service"
CONTRACT = {
    "optional_inputs": {
        "carrier": {"type": "string", "description": "Who carries the parcel.", "default": "Swift Parcel"},
        "simulate": {"type": "string", "description": "ok, error or carrier_down, instead of chance."},
    },
    "outputs": {
        "tracking_number": {"type": "string", "description": "The carrier's name for the parcel."},
        "carrier": {"type": "string", "description": "Who carries it."},
        "estimated_delivery": {"type": "string", "description": "Five days from now (RFC 3339)."},
    },
}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Ask the carrier once."""
    wish = params.get("simulate")
    if wish in ("error", "carrier_down") or (wish is None and context.unit.clock.random() >= 0.95):
        raise TryAgain("The carrier does not answer.", code="shipping.unreachable")
    return {
        "tracking_number": f"trk-{context.step_id or context.run_id}",
        "carrier": params["carrier"],
        "estimated_delivery": (context.unit.clock.now() + timedelta(days=5)).isoformat(),
    }
