"""Trigger `event`: messages of a topic start what they name (spec/modules.md 5).

The run's data are the message, `originalMessage` (its text as sent) and the entry's `params`, later ones winning.
`event` lets through messages of that `type`, else `eventType`; a message that is no JSON object is refused.
"""

from typing import Any

from apps.engine.message_objects import object_of, own_type, raw_text, required_object
from apps.engine.subscription import Subscription
from apps.engine.trigger import Resolver
from apps.engine.triggers.subscribing import Takes, entries_of, subscription_of, without_twins

KIND = "event"


def event_subscriptions(triggers: dict[str, Any], resolver: Resolver) -> list[Subscription]:
    """Return the subscriptions of the trigger."""
    return without_twins(
        [
            subscription_of(
                KIND,
                said,
                path,
                resolver,
                topic=str(said["topic"]),
                read=_read,
                takes=_of_type(str(said.get("event") or "")),
            )
            for path, said in entries_of(triggers, KIND)
        ]
    )


def _read(payload: Any) -> dict[str, Any]:
    return {**required_object(payload), "originalMessage": raw_text(payload)}


def _of_type(wanted: str) -> Takes:
    def takes(topic: str, payload: Any) -> bool:
        message = object_of(payload)
        return message is None or own_type(message) == wanted  # what cannot be read is refused, not ignored

    return takes
