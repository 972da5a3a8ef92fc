"""Dead letters: replay puts the message at the end of its lane, discard takes it out."""

from typing import Any
from uuid import UUID

from apps.core import audit
from apps.core.errors import NotFound
from apps.core.scope import Actor
from apps.engine.ids import uuid7
from apps.runs.adapters import control
from apps.runs.adapters.rows import shard_of
from apps.runs.policy import RETRY_MESSAGES
from apps.tenants.policy import require


def dead_letter_replay(*, delivery_id: UUID, actor: Actor) -> None:
    """Deliver a dead letter again, behind everything that waits in its lane. Raises `NotFound`."""
    values = _taken_out(delivery_id, actor)
    control.deliver_again([values])
    audit.record(verb="message.replay", target="message", target_id=values["message"])


def dead_letter_discard(*, delivery_id: UUID, actor: Actor) -> None:
    """Give a dead letter up; its message and its failed run stay to be read. Raises `NotFound`."""
    values = _taken_out(delivery_id, actor)
    audit.record(verb="message.discard", target="message", target_id=values["message"])


def _taken_out(delivery_id: UUID, actor: Actor) -> dict[str, Any]:
    require(actor, RETRY_MESSAGES)
    found = control.rows(control.SQL.delivery_lock, (delivery_id,))
    if not found:
        raise NotFound("There is no such dead letter.")
    _, tenant, environment, workflow, message, subscription, replays, key, _ = found[0]
    control.execute(control.SQL.delivery_drop, (delivery_id,))
    return {
        "id": uuid7(),
        "lane": uuid7(),
        "tenant": tenant,
        "environment": environment,
        "workflow": workflow,
        "subscription": subscription,
        "key": key or "",
        "message": message,
        "shard": shard_of(tenant),
        "replays": replays + 1,
    }
