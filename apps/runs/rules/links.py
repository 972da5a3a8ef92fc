"""How a link between workflows stands among the subscriptions of its target."""

from uuid import UUID

PREFIX = "link:"
EVERYWHERE = UUID(int=0)  # the environment of a link: whichever the message is published in
NO_VERSION = UUID(int=0)  # what is live of the target is looked up when a message is delivered
ENTRY = "start:link"


def queue_name(link_id: UUID) -> str:
    """Return the name of a link's queue."""
    return f"{PREFIX}{link_id}"


def is_link(queue: str) -> bool:
    """Whether a queue is that of a link; documents cannot name theirs so."""
    return queue.startswith(PREFIX) and " " not in queue
