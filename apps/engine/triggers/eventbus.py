"""Trigger `eventbus`: events of the tenant's bus start what they name (spec/modules.md 5).

A topic may end in `*`, which stands for any ending. The run's data are the event and the entry's `params`; an event
that is no object is handed on as `payload`. `async: true` starts each event's run without waiting for the one before.
"""

from typing import Any

from apps.engine.message_objects import object_of, own_type
from apps.engine.subscription import Subscription
from apps.engine.trigger import Resolver
from apps.engine.triggers.subscribing import Takes, entries_of, subscription_of, without_twins

KIND = "eventbus"


def eventbus_subscriptions(triggers: dict[str, Any], resolver: Resolver) -> list[Subscription]:
    """Return the subscriptions of the trigger."""
    return without_twins(
        [
            subscription_of(
                KIND,
                said,
                path,
                resolver,
                topic=bus_topic(str(said["topic"])),
                read=_read,
                takes=_of_type(str(said.get("event") or "")),
            )
            for path, said in entries_of(triggers, KIND)
        ]
    )


def bus_topic(written: str) -> str:
    """Return the bus's spelling of a topic in the broker's: a `*` at its end also stands for further segments."""
    return f"{written}.**" if written.endswith("*") and not written.endswith("**") else written


def _read(payload: Any) -> dict[str, Any]:
    found = object_of(payload)
    return {"payload": payload} if found is None else found


def _of_type(wanted: str) -> Takes:
    def takes(topic: str, payload: Any) -> bool:
        return own_type(object_of(payload) or {}) == wanted

    return takes
