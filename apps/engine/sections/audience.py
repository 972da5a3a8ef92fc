"""Whom in a document a message reaches: there are two ways, and where a broker is outside they do not meet."""

from dataclasses import dataclass

from apps.engine.private_topics import come_from
from apps.engine.subscription import Subscription
from apps.engine.topics import TopicTable


@dataclass(frozen=True, slots=True)
class Audience:
    """The subscriptions of a document by topic. `broker` is the one outside that it publishes to, empty for the bus."""

    topics: TopicTable[Subscription]
    broker: str = ""

    def hears_published(self, topic: str) -> bool:
        """Whether the document itself takes in what it publishes under `topic`."""
        return bool(self.topics.find(come_from(self.broker, topic) if self.broker else topic))

    def hears_told(self, topic: str) -> bool:
        """Whether it takes in what the product tells under `topic`, which stays on the bus."""
        return bool(self.topics.find(topic))
