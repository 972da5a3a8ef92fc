"""Reads of tenants, members, projects, environments, keys, secrets and audit rows; all values, no lazy querysets.

Everything but `tenant_by_slug`, `memberships_of`, `role_of` and `key_by_id` wants an open scope. Those four open one
themselves, because they are what decides which scope a request gets; they are cached and told of changes.
"""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.core import crypto, paging
from apps.core.changes import Cache
from apps.core.clock import WeftNow
from apps.core.errors import NotFound
from apps.core.models import AuditEntry
from apps.core.paging import Page
from apps.core.scope import NO_TENANT, SYSTEM, Actor, current_tenant, scope
from apps.core.single import single
from apps.tenants.models import (
    ApiKey,
    Environment,
    Invitation,
    Membership,
    Project,
    Secret,
    SecretVersion,
    Tenant,
    TenantDirectory,
    TenantStatus,
    User,
)
from apps.tenants.rules.names import slug_fault

PROJECT_FIELDS = ("id", "slug", "name", "description", "revision", "created_at", "archived_at")
ENVIRONMENT_FIELDS = ("id", "name", "position", "is_production", "secrets_version")


@dataclass(frozen=True, slots=True)
class TenantRef:
    """Which tenant an address means."""

    id: UUID
    slug: str


@dataclass(frozen=True, slots=True)
class TenantView:
    """A tenant as its members see it."""

    id: UUID
    slug: str
    name: str
    status: str
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membered:
    """A tenant that a person belongs to, for the chooser."""

    tenant_id: UUID
    slug: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class MemberView:
    """A person in a tenant."""

    id: UUID
    user_id: UUID
    email: str
    name: str
    role: str
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A folder of workflows."""

    id: UUID
    slug: str
    name: str
    description: str
    revision: int
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """A place to deploy to."""

    id: UUID
    name: str
    position: int
    is_production: bool
    secrets_version: int


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is checked of an API key; `secret_hash` is compared with `KeyText.opens`."""

    id: UUID
    tenant_id: UUID
    name: str
    role: str
    secret_hash: bytes

    def actor(self) -> Actor:
        """Return who acts when this key is used."""
        return Actor(kind="key", id=self.id, label=f"key {self.name}", role=self.role)


@dataclass(frozen=True, slots=True)
class _Role:
    user_id: UUID
    role: str


_tenants: Cache[TenantRef] = Cache("tenant", tag=lambda found: found.id)
_roles: Cache[_Role] = Cache("member", tag=lambda found: found.user_id)
_keys: Cache[KeyRecord] = Cache("key", tag=lambda found: found.id)


def tenant_by_slug(slug: str) -> TenantRef | None:
    """Return the active tenant of that name; None for an unknown, suspended or impossible one."""
    if slug_fault(slug):
        return None

    def load() -> TenantRef | None:
        row = single(TenantDirectory.objects.filter(slug=slug, status=TenantStatus.ACTIVE))
        return TenantRef(row.tenant_id, row.slug) if row else None

    return _tenants.get_or_load(slug, load)


def tenant_ids() -> list[UUID]:
    """Return the ids of all tenants, whatever their status; for the product's own work."""
    return sorted(set(TenantDirectory.objects.values_list("tenant_id", flat=True)))


def role_of(*, tenant_id: UUID, user: User) -> str | None:
    """Return the person's role in the tenant, None for a stranger or a closed account."""

    def load() -> _Role | None:
        with scope(tenant_id, user_actor(user), read_only=True):
            row = Membership.objects.filter(tenant_id=tenant_id, user_id=user.pk).values_list("role").first()
        return _Role(user.pk, row[0]) if row else None

    found = _roles.get_or_load((tenant_id, user.pk), load) if user.is_active else None
    return found.role if found else None


def memberships_of(*, user: User) -> list[Membered]:
    """Return the active tenants that a person belongs to, by name."""
    with scope(NO_TENANT, user_actor(user), read_only=True):
        roles = dict(Membership.objects.filter(user_id=user.pk).values_list("tenant_id", "role"))
        active = TenantDirectory.objects.filter(tenant_id__in=roles, status=TenantStatus.ACTIVE)
        slugs = dict(active.values_list("tenant_id", "slug"))
    found = [Membered(id, slug, _name_of(id, user), roles[id]) for id, slug in slugs.items()]
    return sorted(found, key=lambda one: (one.name.lower(), one.slug))


def _name_of(tenant_id: UUID, user: User) -> str:
    with scope(tenant_id, user_actor(user), read_only=True):
        return tenant_get().name


def key_by_id(*, tenant_id: UUID, key_id: UUID) -> KeyRecord | None:
    """Return the key unless it was revoked or has expired."""

    def load() -> KeyRecord | None:
        with scope(tenant_id, SYSTEM, read_only=True):
            usable = ApiKey.objects.filter(id=key_id, revoked_at__isnull=True).exclude(expires_at__lte=WeftNow())
            row = single(usable)
        return KeyRecord(row.id, tenant_id, row.name, row.role, bytes(row.secret_hash)) if row else None

    return _keys.get_or_load((tenant_id, key_id), load)


def user_actor(user: User, role: str | None = None) -> Actor:
    """Return who acts when this person does."""
    return Actor(kind="user", id=user.pk, label=user.email, role=role)


def operator_actor(user: User) -> Actor:
    """Return who acts when an operator of the product does."""
    return Actor(kind="operator", id=user.pk, label=user.email)


def tenant_get() -> TenantView:
    """Return the scope's tenant."""
    row = Tenant.objects.filter(id=current_tenant()).values("id", "slug", "name", "status", "revision", "created_at")
    return TenantView(**_one(row, "There is no such tenant."))


def member_list(*, after: UUID | None = None, limit: int = paging.USUAL_PAGE) -> Page[MemberView]:
    """Return the tenant's people, newest first."""
    found = paging.by_id(_memberships(), after=after, limit=limit)
    return Page([_member(row) for row in found.items], found.next)


def member_get(*, membership_id: UUID) -> MemberView:
    """Return one membership; raise `NotFound`."""
    row = _memberships().filter(id=membership_id).first()
    if row is None:
        raise NotFound("There is no such member.")
    return _member(row)


def _memberships() -> "QuerySet[Membership]":
    """Return the scope's own: people may also read their memberships of other tenants, which do not belong here."""
    return Membership.objects.select_related("user").filter(tenant_id=current_tenant())


def _member(row: Membership) -> MemberView:
    user = row.user
    return MemberView(row.id, user.id, user.email, user.name, row.role, row.revision, row.created_at)


def invitation_list(*, after: UUID | None = None, limit: int = paging.USUAL_PAGE) -> Page[Invitation]:
    """Return the tenant's invitations, newest first, those that are over included."""
    return paging.by_id(Invitation.objects.all(), after=after, limit=limit)


def project_list(
    *, after: UUID | None = None, limit: int = paging.USUAL_PAGE, archived: bool = False
) -> Page[ProjectView]:
    """Return the tenant's projects, newest first."""
    rows = Project.objects.filter(archived_at__isnull=not archived)
    found = paging.by_id(rows, after=after, limit=limit)
    return Page([_project(row) for row in found.items], found.next)


def project_get(*, project_id: UUID) -> ProjectView:
    """Return one project; raise `NotFound`."""
    return ProjectView(**_one(_projects(id=project_id), "There is no such project."))


def project_by_slug(slug: str) -> ProjectView:
    """Return the project of that name; raise `NotFound`."""
    return ProjectView(**_one(_projects(slug=slug), f"There is no project {slug!r}."))


def _project(row: Project) -> ProjectView:
    return ProjectView(**{name: getattr(row, name) for name in PROJECT_FIELDS})


def environment_list() -> list[EnvironmentView]:
    """Return the tenant's environments in the order in which work moves through them."""
    rows = Environment.objects.order_by("position").values(*ENVIRONMENT_FIELDS)
    return [EnvironmentView(**row) for row in rows]


def environment_get(*, name: str) -> EnvironmentView:
    """Return the environment of that name; raise `NotFound`."""
    rows = Environment.objects.filter(name=name).values(*ENVIRONMENT_FIELDS)
    return EnvironmentView(**_one(rows, f"There is no environment {name!r}."))


def key_list(*, after: UUID | None = None, limit: int = paging.USUAL_PAGE) -> Page[ApiKey]:
    """Return the tenant's API keys without their hashes, newest first, revoked ones included."""
    return paging.by_id(ApiKey.objects.defer("secret_hash"), after=after, limit=limit)


def secret_references(*, environment_id: UUID) -> frozenset[str]:
    """Return what documents may name: `NAME`, and `NAME#number` for each version that can be used."""
    current = Secret.objects.filter(environment_id=environment_id).values_list("name", "version")
    earlier = SecretVersion.objects.filter(environment_id=environment_id, retired_at__isnull=True)
    numbered = {f"{name}#{number}" for name, number in [*current, *earlier.values_list("name", "number")]}
    return frozenset(numbered | {name for name, _ in current})


def secret_list(*, environment_id: UUID) -> list[dict[str, Any]]:
    """Return names, times and authors of an environment's secrets, without the values."""
    rows = Secret.objects.filter(environment_id=environment_id).order_by("name")
    return [dict(row) for row in rows.values("id", "name", "version", "updated_at", "updated_by")]


def secret_value(*, environment_id: UUID, reference: str) -> str | None:
    """Decrypt `NAME` or `NAME#number`, for a step that is about to run; None when there is none to be used."""
    name, _, number = reference.partition("#")
    where = {"environment_id": environment_id, "name": name}
    found = Secret.objects.filter(**where, **({"version": int(number)} if number else {}))
    sealed = single(found.values_list("ciphertext", flat=True))
    if sealed is None and number:
        earlier = SecretVersion.objects.filter(**where, number=int(number), retired_at__isnull=True)
        sealed = earlier.values_list("ciphertext", flat=True).first()
    return None if sealed is None else secret_open(bytes(sealed))


def secret_values(*, environment_id: UUID, references: Collection[str]) -> dict[str, str]:
    """Decrypt those of `NAME` and `NAME#number` that are there, for a document that is about to be compiled.

    One that no key opens is left out: to the document it is missing.
    """
    found: dict[str, str] = {}
    for reference in sorted(secret_references(environment_id=environment_id).intersection(references)):
        with contextlib.suppress(crypto.Undecipherable):
            value = secret_value(environment_id=environment_id, reference=reference)
            if value is not None:
                found[reference] = value
    return found


def secrets_version(*, environment_id: UUID) -> int:
    """Return the number that moves whenever a secret of the environment does; 0 when there is no such environment."""
    rows = Environment.objects.filter(id=environment_id).values_list("secrets_version", flat=True)
    return single(rows) or 0


def secret_values_known(*, environment_id: UUID) -> frozenset[str]:
    """Decrypt all values that rows of the environment may hold, earlier and retired ones too, to keep them from view.

    One that no key opens is left out.
    """
    found: set[str] = set()
    for rows in (Secret, SecretVersion):
        kept = rows.objects.filter(environment_id=environment_id)
        for sealed in kept.values_list("ciphertext", flat=True):
            with contextlib.suppress(crypto.Undecipherable):
                found.add(secret_open(bytes(sealed)))
    return frozenset(found)


def secret_open(ciphertext: bytes) -> str:
    """Decrypt one value of the scope's tenant."""
    table = Secret._meta.db_table
    return crypto.decrypt(ciphertext, tenant_id=current_tenant(), table=table, column="ciphertext").decode()


def audit_list(
    *, after: UUID | None = None, limit: int = paging.USUAL_PAGE, target_id: UUID | None = None
) -> Page[AuditEntry]:
    """Return the tenant's audit rows, newest first."""
    rows = AuditEntry.objects.all()
    if target_id is not None:
        rows = rows.filter(target_id=target_id)
    return paging.by_id(rows, after=after, limit=limit)


def _projects(**which: Any) -> Any:
    return Project.objects.filter(**which).values(*PROJECT_FIELDS)


def _one(rows: Any, otherwise: str) -> dict[str, Any]:
    found = single(rows)
    if found is None:
        raise NotFound(otherwise)
    values: dict[str, Any] = found
    return values
