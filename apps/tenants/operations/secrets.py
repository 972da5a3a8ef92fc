"""Set and delete the secrets of an environment; values go in and come out for running steps only.

A value that is replaced is kept under its number, the ten newest of a name to be used; what is older or deleted is
retired: it stays sealed for as long as rows may hold it, so that it can be kept out of what is shown.
"""

from typing import Any

from django.db import transaction
from django.db.models import F

from apps.core import audit, crypto, events
from apps.core.clock import now
from apps.core.errors import Invalid, NotFound
from apps.core.scope import Actor, current_tenant
from apps.tenants import policy
from apps.tenants.events import SECRET_DELETED, SECRET_SET
from apps.tenants.models import Environment, Secret, SecretVersion
from apps.tenants.queries import EnvironmentView, environment_get
from apps.tenants.rules.names import secret_name_fault

LONGEST_VALUE = 32 * 1024
USABLE_VERSIONS = 10  # of a name, the present one included
MOST_VERSIONS = 50  # of a name, the retired ones included


@transaction.atomic
def secret_set(*, environment: str, name: str, value: str, actor: Actor) -> None:
    """Store a value under a name, as a new version; raises `Forbidden`, `Invalid`, `NotFound`."""
    policy.require(actor, "secrets.edit")
    _demand_good(name, value)
    place = _locked(environment)
    sealed = crypto.encrypt(
        value.encode(), tenant_id=current_tenant(), table=Secret._meta.db_table, column="ciphertext"
    )
    earlier = _of(SecretVersion, place, name).order_by("-number").values_list("number", flat=True).first()
    current = _of(Secret, place, name).first()
    if current is not None:
        _set_aside(current)
    values = {
        "version": max(current.version if current else 0, earlier or 0) + 1,
        "ciphertext": sealed,
        "key_id": crypto.key_id(sealed),
        "updated_at": now(),
        "updated_by": actor.label,
    }
    Secret.objects.update_or_create(environment_id=place.id, name=name, defaults=values)
    _retire(place, name, USABLE_VERSIONS - 1)
    _announce(SECRET_SET, "secret.set", place, name)


@transaction.atomic
def secret_delete(*, environment: str, name: str, actor: Actor) -> None:
    """Delete a value with its earlier versions: none can be used from then on. Raises `Forbidden`, `NotFound`."""
    policy.require(actor, "secrets.edit")
    place = _locked(environment)
    current = _of(Secret, place, name).first()
    if current is None:
        raise NotFound("There is no such secret.")
    _set_aside(current)
    current.delete()
    _retire(place, name, 0)
    _announce(SECRET_DELETED, "secret.delete", place, name)


@transaction.atomic
def secrets_encrypt_again() -> tuple[int, int]:
    """Encrypt the scope's secrets with the newest master key where they are not; their values stay what they are.

    Returns how many were, and how many could not be decrypted.
    """
    counts = [_encrypt_again(rows) for rows in (Secret, SecretVersion)]
    return sum(done for done, _ in counts), sum(lost for _, lost in counts)


def _encrypt_again(rows: "type[Secret | SecretVersion]") -> tuple[int, int]:
    done = lost = 0
    tenant, table = current_tenant(), Secret._meta.db_table
    for secret in rows.objects.exclude(key_id=crypto.newest_id()).select_for_update().order_by("id"):
        try:
            value = crypto.decrypt(bytes(secret.ciphertext), tenant_id=tenant, table=table, column="ciphertext")
        except crypto.Undecipherable:
            lost += 1
            continue
        sealed = crypto.encrypt(value, tenant_id=tenant, table=table, column="ciphertext")
        rows.objects.filter(id=secret.id).update(ciphertext=sealed, key_id=crypto.key_id(sealed))
        done += 1
    return done, lost


def _locked(environment: str) -> EnvironmentView:
    """Return an environment whose secrets nobody else changes until the transaction ends."""
    place = environment_get(name=environment)
    Environment.objects.select_for_update().filter(id=place.id).first()
    return place


def _of(rows: "type[Secret | SecretVersion]", place: EnvironmentView, name: str) -> Any:
    return rows.objects.filter(environment_id=place.id, name=name)


def _set_aside(current: Secret) -> None:
    """Keep the present value as an earlier one: as it is sealed, since it is read as if it still stood there."""
    SecretVersion.objects.create(
        environment_id=current.environment_id,
        name=current.name,
        number=current.version,
        ciphertext=bytes(current.ciphertext),
        key_id=current.key_id,
        set_at=current.updated_at,
        set_by=current.updated_by,
    )


def _retire(place: EnvironmentView, name: str, usable: int) -> None:
    """Leave `usable` earlier versions of a name to be used, and forget what nothing can hold any more."""
    numbers = list(_of(SecretVersion, place, name).order_by("-number").values_list("number", flat=True))
    older = _of(SecretVersion, place, name).filter(retired_at__isnull=True)
    older.filter(number__in=numbers[usable:]).update(retired_at=now())
    _of(SecretVersion, place, name).filter(number__in=numbers[MOST_VERSIONS - 1 :]).delete()


def _announce(event: str, verb: str, place: EnvironmentView, name: str) -> None:
    """Record it, and move the environment's secrets version, by which compiled documents are kept."""
    Environment.objects.filter(id=place.id).update(secrets_version=F("secrets_version") + 1)
    details = {"environment": place.name, "name": name}
    audit.record(verb=verb, target="environment", target_id=place.id, details=details)
    events.publish(event, environment_id=place.id, name=name)
    events.notify("deployment", current_tenant(), place.id)


def _demand_good(name: str, value: str) -> None:
    errors = []
    if fault := secret_name_fault(name):
        errors.append({"pointer": "/name", "message": fault})
    if not value or len(value.encode()) > LONGEST_VALUE:
        errors.append({"pointer": "/value", "message": f"Between 1 and {LONGEST_VALUE} bytes."})
    if errors:
        raise Invalid("The secret cannot be stored so.", errors=errors)
