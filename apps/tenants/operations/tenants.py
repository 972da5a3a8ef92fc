"""Make, rename, suspend and resume tenants; these open scopes of their own, because no tenant is open yet."""

from django.db import IntegrityError, transaction

from apps.core import audit, events
from apps.core.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from apps.core.scope import Actor, current_tenant, scope
from apps.engine.ids import uuid7
from apps.tenants import policy
from apps.tenants.errors import AlreadyTaken
from apps.tenants.events import TENANT_CHANGED, TENANT_CREATED
from apps.tenants.models import Environment, Tenant, TenantDirectory, TenantStatus
from apps.tenants.queries import TenantRef, TenantView, tenant_get
from apps.tenants.rules.names import tenant_slug_fault

ENVIRONMENTS = ("dev", "staging", "prod")


def tenant_create(*, slug: str, name: str, actor: Actor) -> TenantRef:
    """Make a tenant with its environments dev, staging and prod, in a scope of its own.

    Only operators and the product itself may. Raises `Forbidden`, `Invalid`, `AlreadyTaken`.
    """
    if actor.kind not in {"operator", "system"}:
        raise Forbidden("Only an operator makes tenants.")
    _demand_good(slug, name)
    tenant = Tenant(id=uuid7(), slug=slug, name=name)
    try:
        with scope(tenant.id, actor):
            _insert(tenant)
            audit.record(verb="tenant.create", target="tenant", target_id=tenant.id, details={"slug": slug})
            events.publish(TENANT_CREATED, tenant_id=tenant.id)
    except IntegrityError:
        raise AlreadyTaken(f"There is a tenant {slug} already.") from None
    return TenantRef(tenant.id, slug)


def tenant_ensure(*, slug: str, name: str, actor: Actor) -> TenantRef:
    """Return the tenant of that name, made if it does not exist; for seeding."""
    row = TenantDirectory.objects.filter(slug=slug).first()
    return TenantRef(row.tenant_id, row.slug) if row else tenant_create(slug=slug, name=name, actor=actor)


@transaction.atomic
def tenant_rename(*, name: str, revision: int, actor: Actor) -> TenantView:
    """Give the scope's tenant another display name; raises `Forbidden`, `Invalid`, `PreconditionFailed`."""
    policy.require(actor, "tenant.edit")
    _demand_good("ok", name)
    tenant = Tenant.objects.select_for_update().get(id=current_tenant())
    if tenant.revision != revision:
        raise PreconditionFailed
    tenant.name = name
    tenant.revision += 1
    tenant.save(update_fields=["name", "revision"])
    audit.record(verb="tenant.rename", target="tenant", target_id=tenant.id, details={"name": name})
    events.publish(TENANT_CHANGED, tenant_id=tenant.id)
    return tenant_get()


def tenant_suspend(*, slug: str, actor: Actor) -> None:
    """Make a tenant unreachable for everybody, within a second and in every process."""
    _set_status(slug, TenantStatus.SUSPENDED, "tenant.suspend", actor)


def tenant_resume(*, slug: str, actor: Actor) -> None:
    """Make a suspended tenant reachable again."""
    _set_status(slug, TenantStatus.ACTIVE, "tenant.resume", actor)


def _set_status(slug: str, status: TenantStatus, verb: str, actor: Actor) -> None:
    if actor.kind not in {"operator", "system"}:
        raise Forbidden("Only an operator suspends and resumes tenants.")
    row = TenantDirectory.objects.filter(slug=slug).first()
    if row is None:
        raise NotFound("There is no such tenant.")
    with scope(row.tenant_id, actor):
        Tenant.objects.filter(id=row.tenant_id).update(status=status)
        TenantDirectory.objects.filter(tenant_id=row.tenant_id).update(status=status)
        audit.record(verb=verb, target="tenant", target_id=row.tenant_id)
        events.publish(TENANT_CHANGED, tenant_id=row.tenant_id)
        events.notify("tenant", row.tenant_id, row.tenant_id)


def _demand_good(slug: str, name: str) -> None:
    faults = [("/slug", tenant_slug_fault(slug)), ("/name", None if name.strip() else "A name is needed.")]
    errors = [{"pointer": pointer, "message": message} for pointer, message in faults if message]
    if errors:
        raise Invalid("The tenant cannot be named so.", errors=errors)


def _insert(tenant: Tenant) -> None:
    tenant.save(force_insert=True)
    TenantDirectory(tenant_id=tenant.id, slug=tenant.slug).save(force_insert=True)
    for position, name in enumerate(ENVIRONMENTS):
        Environment(name=name, position=position, is_production=name == "prod").save(force_insert=True)
