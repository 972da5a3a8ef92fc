"""Bring a conversation to a medical team or to the police.

The police need a `location`; without one the escalation waits for it. Without a `type` it was called by a transition
and says so.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._asking import asked, unknown

NAME = "escalation_handler"
CONTRACT = {
    "optional_inputs": {
        "type": {"type": "string", "description": "medical or police."},
        "urgency": {"type": "string", "description": "How urgent it is.", "default": "standard"},
        "location": {"type": "any", "description": "Where the texter is; the police need it."},
    },
    "outputs": {
        "escalationId": {"type": "string", "description": "Name of the escalation."},
        "status": {"type": "string", "description": "contacted, dispatched, pending_location or processed."},
        "urgency": {"type": "string", "description": "As asked."},
        "escalatedAt": {"type": "string", "description": "When (RFC 3339)."},
    },
}
TYPES = ("medical", "police")


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Escalate once; a second try of the same step names the same escalation."""
    kind = asked(params, "type", TYPES)
    answer = {"escalatedAt": context.unit.clock.now().isoformat()}
    if not kind:
        return {"status": "processed", "type": "system"} | answer
    if kind == "medical":
        status = "contacted"
    elif kind == "police":
        status = "dispatched" if params.get("location") else "pending_location"
    else:
        raise unknown("type", kind, TYPES)
    return answer | {
        "escalationId": f"esc-{context.step_id or context.run_id}",
        "type": kind,
        "status": status,
        "urgency": params["urgency"],
    }
