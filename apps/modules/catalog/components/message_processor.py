"""Take in a message of a conversation, or send one.

`direction: inbound` needs `from` and `content`, `outbound` needs `to` and `content`; without a direction it is an event
of the system itself. Of a hundred outbound messages 95 are sent at once, the others wait for their delivery;
`simulate: ok` or `pending` decides instead of chance.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._asking import asked, demand, unknown

NAME = "message_processor"
CONTRACT = {
    "optional_inputs": {
        "direction": {"type": "string", "description": "inbound or outbound."},
        "from": {"type": "string", "description": "Who wrote."},
        "to": {"type": "string", "description": "Who is written to."},
        "content": {"type": "string", "description": "The text."},
        "simulate": {"type": "string", "description": "ok or pending, instead of chance."},
    },
    "outputs": {
        "event": {"type": "string", "description": "message.received, message.sent, message.pending, system.event."},
        "status": {"type": "string", "description": "received, sent, delivery_pending or processed."},
        "encryptedFields": {"type": "slice", "description": "What must be stored encrypted."},
        "processedAt": {"type": "string", "description": "When (RFC 3339)."},
    },
}
DIRECTIONS = ("inbound", "outbound")


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Process one message."""
    direction = asked(params, "direction", DIRECTIONS)
    stamp = {"processedAt": context.unit.clock.now().isoformat()}
    if not direction:
        return {"event": "system.event", "status": "processed"} | stamp
    if direction == "inbound":
        demand(params, "from", "content")
        return {"event": "message.received", "status": "received", "encryptedFields": ["content", "from"]} | stamp
    if direction == "outbound":
        demand(params, "to", "content")
        wish = params.get("simulate")
        is_sent = context.unit.clock.random() < 0.95 if wish is None else wish != "pending"
        done = ("message.sent", "sent") if is_sent else ("message.pending", "delivery_pending")
        return {"event": done[0], "status": done[1], "encryptedFields": ["content", "to"]} | stamp
    raise unknown("direction", direction, DIRECTIONS)
