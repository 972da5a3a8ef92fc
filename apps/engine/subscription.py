"""Who takes in messages of a topic, and what becomes of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from apps.engine.ports import NewRun
from apps.engine.private_topics import own_topic
from apps.engine.topics import TopicTable

STARTING = "start:"  # begins the entry of subscriptions that say for each message which run it becomes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that has reached a subscription."""

    id: str
    topic: str
    payload: Any
    key: str | None = None  # the publisher's


@dataclass(frozen=True, slots=True)
class Subscription:
    """Messages of matching topics run `entry`, in order per key unless `ordering` is none.

    With `starts` (and an entry that begins with `STARTING`) the message becomes the run that `starts` returns instead;
    it raises `StepFailed` for a message that none can be made of. Several subscriptions may share a name: they are one
    ordered queue over all of their topics.
    """

    name: str
    topic: str
    entry: str
    handler: str
    ordering: str = "key"
    key_of: Callable[[Any], str | None] | None = None
    path: str = ""
    takes: Callable[[str, Any], bool] | None = None  # from topic and payload; None: every message of the topic
    starts: Callable[[Arrived], NewRun] | None = None

    def key(self, payload: Any, published: str | None) -> str:
        """Return the lane key of a message: by this subscription's own expression, else the publisher's, else empty."""
        found = published if self.key_of is None else self.key_of(payload)
        return found or ""

    def hears(self, topic: str, payload: Any) -> bool:
        """Whether a message of a matching topic is for this subscription; others are ignored."""
        return self.takes is None or self.takes(own_topic(topic), payload)


def only_first(topics: Collection[str]) -> dict[str, Callable[[str, Any], bool]]:
    """Return for each topic of one queue which messages are its own, so that overlapping ones take each in once."""
    table = TopicTable((topic, topic) for topic in topics)

    def taken_by(written: str) -> Callable[[str, Any], bool]:
        return lambda topic, payload: table.find(topic)[:1] == (written,)

    return {topic: taken_by(topic) for topic in topics}
