"""What a message says as an object, for those who take messages in by what is in them (spec/modules.md 4.5, 5)."""

from typing import Any

import orjson

from apps.engine.outcome import Rejected


def object_of(payload: Any) -> dict[str, Any] | None:
    """Return the object that a payload is, or that its text spells out in JSON; None when it is neither."""
    if isinstance(payload, str):
        try:
            payload = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return None
    return payload if isinstance(payload, dict) else None


def required_object(payload: Any) -> dict[str, Any]:
    """Return the object of a payload; raise `Rejected` when it has none."""
    found = object_of(payload)
    if found is None:
        raise Rejected("The message is not a JSON object.", code="message.not_an_object", status=422)
    return found


def own_type(message: dict[str, Any]) -> str:
    """Return the event type that a message gives itself: `type`, else `eventType`, else nothing."""
    for key in ("type", "eventType"):
        said = message.get(key)
        if isinstance(said, str) and said:
            return said
    return ""


def raw_text(payload: Any) -> str:
    """Return a payload as the text that was sent."""
    return payload if isinstance(payload, str) else orjson.dumps(payload, default=str).decode()
