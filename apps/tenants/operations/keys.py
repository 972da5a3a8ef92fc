"""Make and revoke the API keys of the scope's tenant."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.core import audit, events
from apps.core.clock import now
from apps.core.errors import Forbidden, Invalid, NotFound
from apps.core.scope import Actor, current_tenant
from apps.engine.ids import uuid7
from apps.tenants import policy
from apps.tenants.events import KEY_CREATED, KEY_REVOKED
from apps.tenants.models import ApiKey
from apps.tenants.queries import tenant_get
from apps.tenants.rules import key_text


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with its text, which is shown this once."""

    row: ApiKey
    text: str


@transaction.atomic
def api_key_create(*, name: str, role: str, expires_at: datetime | None = None, actor: Actor) -> NewKey:
    """Make a key with at most the actor's own role; raises `Forbidden`, `Invalid`."""
    policy.require(actor, "keys.edit")
    if not policy.may_grant(actor, role):
        raise Forbidden(f"You may not hand out the role {role}.")
    _demand_good(name, expires_at)
    key_id = uuid7()
    made = key_text.new(tenant_get().slug, key_id)
    row = ApiKey(
        id=key_id,
        name=name.strip(),
        role=role,
        secret_hash=made.hash(),
        hint=made.secret[-4:],
        created_by=actor.label,
        expires_at=expires_at,
    )
    row.save(force_insert=True)
    row.refresh_from_db(fields=["created_at"])
    audit.record(verb="key.create", target="api_key", target_id=row.id, details={"name": row.name, "role": role})
    events.publish(KEY_CREATED, key_id=row.id)
    return NewKey(row, str(made))


@transaction.atomic
def api_key_revoke(*, key_id: UUID, actor: Actor) -> None:
    """End a key, within a second and in every process; revoking twice is no error. Raises `Forbidden`, `NotFound`."""
    policy.require(actor, "keys.edit")
    row = ApiKey.objects.select_for_update().filter(id=key_id).first()
    if row is None:
        raise NotFound("There is no such key.")
    if row.revoked_at is not None:
        return
    row.revoked_at = now()
    row.save(update_fields=["revoked_at"])
    audit.record(verb="key.revoke", target="api_key", target_id=row.id, details={"name": row.name})
    events.publish(KEY_REVOKED, key_id=row.id)
    events.notify("key", current_tenant(), row.id)


def _demand_good(name: str, expires_at: datetime | None) -> None:
    errors = []
    if not name.strip():
        errors.append({"pointer": "/name", "message": "A name is needed."})
    if expires_at is not None and expires_at <= now():
        errors.append({"pointer": "/expires_at", "message": "This time is past."})
    if errors:
        raise Invalid("The key cannot be made so.", errors=errors)
