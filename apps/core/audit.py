"""Who did what: rows that are written in the transaction of the deed, and refusals that survive it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog

from apps.core.models import AuditEntry
from apps.core.scope import Actor, current_actor, current_scope, in_scope, scope

Details = Mapping[str, Any] | None


def record(*, verb: str, target: str, target_id: UUID | None = None, details: Details = None) -> None:
    """Note a deed of the open scope's actor; it stands or falls with the scope's transaction."""
    _entry(current_actor(), verb, target, target_id, details, is_refusal=False).save(force_insert=True)


def record_refusal(
    *,
    verb: str,
    target: str,
    target_id: UUID | None = None,
    details: Details = None,
    tenant_id: UUID | None = None,
    actor: Actor | None = None,
) -> None:
    """Note that something was refused, in a transaction of its own.

    Inside a scope the note is written when that scope has ended, whether it committed or not; outside one it is
    written at once and `tenant_id` and `actor` are needed.
    """
    if in_scope():
        opened = current_scope()
        who, where = opened.actor, opened.tenant_id
        opened.after.append(lambda: _write_refusal(where, who, verb, target, target_id, details))
        return
    if tenant_id is None or actor is None:
        raise ValueError("Outside a scope a refusal names its tenant and its actor.")
    _write_refusal(tenant_id, actor, verb, target, target_id, details)


def request_id() -> str:
    """Return the id of the request or run in hand, empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _write_refusal(
    tenant_id: UUID, actor: Actor, verb: str, target: str, target_id: UUID | None, details: Details
) -> None:
    with scope(tenant_id, actor):
        _entry(actor, verb, target, target_id, details, is_refusal=True).save(force_insert=True)


def _entry(
    actor: Actor, verb: str, target: str, target_id: UUID | None, details: Details, *, is_refusal: bool
) -> AuditEntry:
    return AuditEntry(
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        verb=verb,
        target=target,
        target_id=target_id,
        details=dict(details or {}),
        request_id=request_id(),
        is_refusal=is_refusal,
    )
