"""Make the notification that tells a customer about an order's new state.

The template is `order_<state>`: from `toState` when a transition called, else from `state`. The id follows from the
step, so a second try of the same step is recognised as the same notification.
"""

from typing import Any

from apps.engine.module import Context

NAME = "notification_sender"
CONTRACT = {
    "optional_inputs": {
        "toState": {"type": "string", "description": "The state a transition led to."},
        "state": {"type": "string", "description": "The state, where no transition called.", "default": "updated"},
        "recipient": {"type": "string", "description": "Who is told."},
    },
    "outputs": {
        "notification_id": {"type": "string", "description": "Name of the notification."},
        "template": {"type": "string", "description": "order_<state>."},
        "sent_at": {"type": "string", "description": "When (RFC 3339)."},
    },
}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return the notification."""
    notification = {
        "notification_id": f"ntf-{context.step_id or context.run_id}",
        "template": f"order_{params.get('toState') or params['state']}",
        "sent_at": context.unit.clock.now().isoformat(),
    }
    return notification | {name: params[name] for name in ("recipient",) if name in params}
