"""Rows of the shared kernel, for the isolation sweeps."""

from hashlib import sha256

from apps.core.clock import now
from apps.core.models import Blob, EventSeen, IdempotencyKey
from apps.core.scope import SYSTEM, scope
from tests.support.isolation import row
from tests.support.tenants import TenantFixture


@row("core_idempotency_key", "core_event_seen", "core_blob")
def small_rows(tenant: TenantFixture) -> None:
    """Write one of each."""
    with scope(tenant.id, SYSTEM):
        moment = now()
        IdempotencyKey(scope="sweep", key="k", request_hash=b"h", expires_at=moment).save(force_insert=True)
        EventSeen(source="sweep", event_id="e", expires_at=moment).save(force_insert=True)
        data = tenant.slug.encode()
        Blob(sha256=sha256(data).digest(), data=data, size=len(data)).save(force_insert=True)
