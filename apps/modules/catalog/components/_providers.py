"""What the simulated carriers of text messages have in common: their forms differ, their deeds do not."""

from collections.abc import Mapping
from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components._asking import demand, first, unknown

Names = tuple[str, ...]
ACTIONS = ("send", "receive")
CONTRACT = {
    "optional_inputs": {
        "action": {"type": "string", "description": "send, or receive to read what the carrier posted."},
        "to": {"type": "any", "description": "Who is written to."},
        "body": {"type": "any", "description": "The text."},
    },
    "outputs": {
        "from": {"type": "string", "description": "Who wrote."},
        "to": {"type": "string", "description": "Who is written to."},
        "body": {"type": "string", "description": "The text."},
        "provider": {"type": "string", "description": "Name of the carrier."},
        "messageId": {"type": "string", "description": "The carrier's name for the message."},
        "status": {"type": "string", "description": "queued or received."},
        "timestamp": {"type": "string", "description": "When (RFC 3339)."},
    },
}


def carry(provider: str, fields: Mapping[str, Names], params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Send a message, or read one; `fields` gives the carrier's names for `from`, `to`, `body` and `id`."""
    demand(params, "action")
    if params["action"] not in ACTIONS:
        raise unknown("action", params["action"], ACTIONS)
    found = {name: first(params, name, *said) for name, said in fields.items()}
    own = f"{provider}-{context.step_id or context.run_id}"
    answer = {"provider": provider, "timestamp": context.unit.clock.now().isoformat()}
    if params["action"] == "send":
        demand(found, "to", "body")
        return answer | {"to": found["to"], "body": found["body"], "messageId": own, "status": "queued"}
    demand(found, "from", "body")
    told = {name: found[name] for name in ("from", "to", "body") if found[name] is not None}
    return answer | told | {"messageId": found["id"] or own, "status": "received"}
