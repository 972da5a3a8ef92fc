"""Links between workflows as subscriptions of their targets, written in the transaction of the link."""

from uuid import UUID

from apps.core.scope import current_tenant
from apps.engine.ids import uuid7
from apps.engine.links.following import Link
from apps.runs.adapters import control
from apps.runs.adapters.rows import clean
from apps.runs.rules.links import ENTRY, EVERYWHERE, NO_VERSION, queue_name
from apps.workflows.queries.links import link_get


def link_created(*, link_id: UUID, **_: object) -> None:
    """Let the target hear what its new link takes in."""
    link = link_get(link_id=link_id)
    said = Link(str(link.id), str(link.source_workflow_id), link.link_type, link.target_action, link.params)
    values = {
        "id": uuid7(),
        "tenant": current_tenant(),
        "everywhere": EVERYWHERE,
        "target": link.target_workflow_id,
        "no_version": NO_VERSION,
        "name": queue_name(link.id),
        "topic": clean(link.event_pattern),
        "entry": ENTRY,
        "source": link.source_workflow_id,
        "link": clean(said.text()),
    }
    control.execute(control.SQL.link_add, values)


def link_removed(*, link_id: UUID, source_workflow_id: UUID, **_: object) -> None:
    """Hear no more; what still waits is left to its lane, and becomes dead letters."""
    control.execute(control.SQL.link_drop, (source_workflow_id, queue_name(link_id)))
