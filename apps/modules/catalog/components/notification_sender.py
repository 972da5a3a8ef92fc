"""Make a notification: for a customer about an order's new state, or for those who watch conversations.

Without a `type` the template is `order_<state>`, from `toState` when a transition called, else from `state`. With one
it is for the people of a crisis line, with the priority of its type. The id follows from the step, so a second try of
the same step is recognised as the same notification.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._asking import asked, unknown

NAME = "notification_sender"
CONTRACT = {
    "optional_inputs": {
        "toState": {"type": "string", "description": "The state a transition led to."},
        "state": {"type": "string", "description": "The state, where no transition called.", "default": "updated"},
        "recipient": {"type": "string", "description": "Who is told."},
        "type": {"type": "string", "description": "queue_alert, escalation, transfer or followup_reminder."},
    },
    "outputs": {
        "notification_id": {"type": "string", "description": "Name of the notification."},
        "template": {"type": "string", "description": "order_<state>, or the type."},
        "priority": {"type": "string", "description": "high, critical or normal, where there is a type."},
        "status": {"type": "string", "description": "delivered."},
        "sent_at": {"type": "string", "description": "When (RFC 3339)."},
    },
}
PRIORITIES = {"queue_alert": "high", "escalation": "critical", "transfer": "normal", "followup_reminder": "normal"}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return the notification."""
    kind = asked(params, "type", PRIORITIES)
    if kind and kind not in PRIORITIES:
        raise unknown("type", kind, PRIORITIES)
    notification = {
        "notification_id": f"ntf-{context.step_id or context.run_id}",
        "template": kind or f"order_{params.get('toState') or params['state']}",
        "status": "delivered",
        "sent_at": context.unit.clock.now().isoformat(),
    }
    if kind:
        notification["priority"] = PRIORITIES[kind]
    return notification | {name: params[name] for name in ("recipient",) if name in params}
