"""What the scopes of a host are to each other: strangers, unless they are joined like the workflows of an environment.

Joined scopes hear one another's topics, except private ones, and links lead from one to another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.engine.application import Application
from apps.engine.links.following import Link
from apps.engine.private_topics import published_topic
from apps.engine.topics import PRIVATE, TopicTable


@dataclass(frozen=True, slots=True)
class LocalLink:
    """A link out of the scope that `link.source` names."""

    link: Link
    target: str
    pattern: str

    @property
    def name(self) -> str:
        """What its runs are shown under."""
        return f"link {self.link.source} -> {self.target}"


class Joined:
    """The applications of a host by scope, and who hears whom."""

    def __init__(self) -> None:
        self._applications: dict[str, Application] = {}
        self._scopes: tuple[str, ...] = ()
        self._links: dict[str, TopicTable[LocalLink]] = {}

    def deploy(self, scope: str, application: Application) -> None:
        """Let a scope serve an application."""
        self._applications[scope] = application

    def application(self, scope: str) -> Application | None:
        """Return what a scope serves."""
        return self._applications.get(scope)

    def join(self, scopes: Sequence[str], links: Iterable[LocalLink]) -> None:
        """Put scopes into one environment with these links between them, and no others."""
        by_source: dict[str, list[LocalLink]] = {}
        for each in links:
            by_source.setdefault(each.link.source, []).append(each)
        self._scopes = tuple(scopes)
        self._links = {
            source: TopicTable((each.pattern, each) for each in found) for source, found in by_source.items()
        }

    def hearers(self, scope: str, topic: str) -> list[tuple[str, Application]]:
        """Return the scopes, with what they serve, whose subscriptions may hear what a scope publishes; it first."""
        others = () if topic.startswith(PRIVATE) or scope not in self._scopes else self._scopes
        found = ((name, self._applications.get(name)) for name in dict.fromkeys((scope, *others)))
        return [(name, application) for name, application in found if application is not None]

    def links_for(self, scope: str, topic: str) -> tuple[LocalLink, ...]:
        """Return the links that take in what a scope publishes, on whichever broker."""
        table, written = self._links.get(scope), published_topic(topic)
        return () if table is None or written is None else table.find(written)

    def is_linked(self, scope: str, topic: str) -> bool:
        """Whether a link out of a scope takes a topic in."""
        return bool(self.links_for(scope, topic))

    def is_heard(self, scope: str, topic: str) -> bool:
        """Whether a scope's own application, or a link out of it, takes a topic in."""
        application = self._applications.get(scope)
        return application is not None and (application.is_heard(topic) or self.is_linked(scope, topic))
