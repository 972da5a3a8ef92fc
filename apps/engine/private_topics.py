"""Topics of a document's own, on which messages pass between it and brokers outside (`feeds.py`).

What is published to a broker `events` under `orders` is a message on `~to.events.orders`; what comes from there is one
on `~from.events.orders`. No other workflow hears them, and no pattern but those that are made here (`topics.py`).
"""

import re

from apps.engine.topics import PRIVATE

TO, FROM = f"{PRIVATE}to.", f"{PRIVATE}from."
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")


def sent_to(broker: str, topic: str) -> str:
    """Return the private topic of what is published to a broker."""
    return f"{TO}{_segment(broker)}.{topic}"


def come_from(broker: str, topic: str) -> str:
    """Return the private topic of what comes from a broker."""
    return f"{FROM}{_segment(broker)}.{topic}"


def own_topic(topic: str) -> str:
    """Return a topic as its broker has it, private or not."""
    return topic.split(".", 2)[2] if topic.startswith((TO, FROM)) and topic.count(".") > 1 else topic


def published_topic(topic: str) -> str | None:
    """Return the topic under which a document published a message, on whichever broker; None when it was not it."""
    if topic.startswith(TO):
        return own_topic(topic)
    return None if topic.startswith(PRIVATE) else topic


def _segment(name: str) -> str:
    """Return a module's name as one segment of a topic that no other name has and no pattern means."""
    return NOT_IN_NAMES.sub(lambda found: f"%{ord(found[0]):x};", name)
