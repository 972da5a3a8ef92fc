"""Charge an order with a simulated payment gateway.

Of a hundred payments 85 are approved, 10 declined, and 5 meet a gateway that does not answer and are tried again.
`simulate: decline` or `simulate: error` in the input decides instead of chance; any other value (`ok`) approves. The
transaction id follows from the step, so a second try of the same step cannot charge twice.
"""

from typing import Any

from apps.engine.module import Context
from apps.engine.outcome import TryAgain

NAME = "payment_processor"
CONTRACT = {
    "optional_inputs": {
        "total": {"type": "float", "description": "The amount to charge."},
        "currency": {"type": "string", "description": "Currency of the amount.", "default": "EUR"},
        "simulate": {"type": "string", "description": "ok, decline or error, instead of chance."},
    },
    "outputs": {
        "status": {"type": "string", "description": "approved or declined."},
        "transaction_id": {"type": "string", "description": "The gateway's name for an approved payment."},
        "reason": {"type": "string", "description": "Why it was declined."},
    },
}
_CHANCES = {"decline": 0.9, "error": 0.97}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Ask the gateway once."""
    wish = params.get("simulate")
    chance = context.unit.clock.random() if wish is None else _CHANCES.get(wish, 0.0)
    if chance >= 0.95:
        raise TryAgain("The payment gateway does not answer.", code="payment.unreachable")
    if chance >= 0.85:
        return {"status": "declined", "reason": "insufficient_funds"}
    answer = {"status": "approved", "transaction_id": f"pay-{context.step_id or context.run_id}"}
    return answer | {name: params[name] for name in ("total", "currency") if name in params}
