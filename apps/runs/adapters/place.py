"""Where a unit of work happens: one version of one workflow, live in one environment of one tenant."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.engine.application import Application
from apps.engine.events import Hearing
from apps.engine.redaction import KnownSecrets
from apps.engine.samples import Samples
from apps.engine.topics import TopicTable
from apps.runs.adapters.rows import RunOrigin

COLLECTOR = "metrics.collector"


@dataclass(slots=True, eq=False)
class Place:
    """A compiled application with the ids that everything it does is stored under."""

    tenant_id: UUID
    tenant_slug: str
    environment_id: UUID
    environment: str
    workflow_id: UUID
    workflow_slug: str
    version_id: UUID
    version_number: int
    application: Application
    samples: Samples = field(default_factory=Samples)
    linked: tuple[str, ...] = ()  # what links to other workflows take in
    known: KnownSecrets = field(default_factory=KnownSecrets)
    served: dict[int, Any] = field(default_factory=dict)  # what the door has prepared per route
    _hearing: dict[str, Hearing] = field(default_factory=dict)
    scope: tuple[UUID, UUID, UUID] = field(init=False)  # what stored objects are keyed by
    is_measured: bool = field(init=False)  # whether the document shows its samples
    _linked: TopicTable[bool] = field(init=False)

    def __post_init__(self) -> None:
        self.scope = (self.tenant_id, self.environment_id, self.workflow_id)
        self.is_measured = any(module.kind == COLLECTOR for module in self.application.modules.values())
        self._linked = TopicTable((pattern, True) for pattern in self.linked)

    @property
    def label(self) -> str:
        """A name for process-local state that no two applications share."""
        return f"{self.tenant_id}/{self.environment_id}/{self.workflow_id}"

    def hearing(self, section: str) -> Hearing:
        """Return which lifecycle events of a section's runs the application, or a link, takes in."""
        found = self._hearing.get(section)
        if found is None:
            found = self._hearing[section] = Hearing(section, self.is_heard)
        return found

    def is_linked(self, topic: str) -> bool:
        """Whether a link to another workflow takes a topic in."""
        return bool(self._linked.find(topic))

    def is_heard(self, topic: str) -> bool:
        """Whether the application or a link takes a topic in."""
        return self.application.is_heard(topic) or self.is_linked(topic)

    def origin(
        self, *, source: str, entry: str, section: str, action: str = "", workflow: str = "", route: str = ""
    ) -> RunOrigin:
        """Return the constant columns of runs of one entry."""
        return RunOrigin(
            self.tenant_id,
            self.environment_id,
            self.workflow_id,
            self.version_id,
            self.version_number,
            source,
            entry,
            section,
            action,
            workflow,
            route,
        )
