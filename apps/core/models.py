"""The tables that every operation writes, and the base of every table that belongs to a tenant."""

from typing import Any

from django.db import models

from apps.core.clock import WeftNow
from apps.core.scope import current_tenant
from apps.engine.ids import uuid7


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A reference inside one tenant; the migration operation `TenantTable` writes the composite reference.

    Django's own constraint would look at the id alone and so could point into another tenant.
    """

    def __init__(self, to: Any, on_delete: Any = models.CASCADE, **options: Any) -> None:
        options.setdefault("related_name", "+")
        options["db_constraint"] = False
        super().__init__(to, on_delete, **options)


class TenantModel(models.Model):
    """A row of one tenant: an id that sorts by time, and the tenant of the open scope."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.RESTRICT,
        related_name="+",
        db_constraint=False,
        db_index=False,
        default=current_tenant,
        editable=False,
    )

    class Meta:
        abstract = True


class AuditEntry(TenantModel):
    """Who did what to which row, written in the transaction of the deed; the app role cannot change it."""

    at = models.DateTimeField(db_default=WeftNow())
    actor_kind = models.TextField()
    actor_id = models.UUIDField(null=True)
    actor_label = models.TextField()
    verb = models.TextField()
    target = models.TextField()
    target_id = models.UUIDField(null=True)
    details = models.JSONField(default=dict)
    request_id = models.TextField(blank=True, default="")
    is_refusal = models.BooleanField(default=False)

    class Meta:
        db_table = "core_audit_entry"
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["tenant", "-id"], name="core_audit_tenant_id"),
            models.Index(fields=["tenant", "target_id", "-id"], name="core_audit_target"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.verb} {self.target}"


class Outbox(TenantModel):
    """What leaves after the commit: an event for listeners or a job for the worker. Ids and words, no payloads."""

    class Kind(models.TextChoices):
        EVENT = "event"
        JOB = "job"

    kind = models.TextField(choices=Kind.choices)
    name = models.TextField()
    payload = models.JSONField(default=dict)
    request_id = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=WeftNow())
    ready_at = models.DateTimeField(db_default=WeftNow())
    attempts = models.SmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "core_outbox"
        verbose_name_plural = "outbox"
        indexes = [models.Index(fields=["ready_at", "id"], name="core_outbox_ready")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class IdempotencyKey(TenantModel):
    """One caller's key for one creating request, with the answer it got; lives for 24 hours."""

    scope = models.TextField()
    key = models.TextField()
    request_hash = models.BinaryField()
    status = models.SmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=WeftNow())
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "core_idempotency_key"
        constraints = [models.UniqueConstraint(fields=["tenant", "scope", "key"], name="core_idempotency_key_once")]
        indexes = [models.Index(fields=["expires_at"], name="core_idempotency_expires")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class EventSeen(TenantModel):
    """An event from outside that was taken already, so that a second delivery changes nothing."""

    source = models.TextField()
    event_id = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "core_event_seen"
        constraints = [models.UniqueConstraint(fields=["tenant", "source", "event_id"], name="core_event_seen_once")]
        indexes = [models.Index(fields=["expires_at"], name="core_event_seen_expires")]

    def __str__(self) -> str:
        return f"{self.source} {self.event_id}"


class Blob(TenantModel):
    """Bytes too large for a row, found by their hash within one tenant and never shared between tenants."""

    sha256 = models.BinaryField(max_length=32)
    data = models.BinaryField()
    size = models.IntegerField()
    created_at = models.DateTimeField(db_default=WeftNow())

    class Meta:
        db_table = "core_blob"
        constraints = [models.UniqueConstraint(fields=["tenant", "sha256"], name="core_blob_once")]

    def __str__(self) -> str:
        return f"{bytes(self.sha256).hex()[:12]} ({self.size} bytes)"
