"""Set and delete the secrets of an environment; values go in and come out for running steps only."""

from django.db import transaction
from django.db.models import F

from apps.core import audit, crypto, events
from apps.core.clock import now
from apps.core.errors import Invalid, NotFound
from apps.core.scope import Actor, current_tenant
from apps.tenants import policy
from apps.tenants.events import SECRET_DELETED, SECRET_SET
from apps.tenants.models import Environment, Secret
from apps.tenants.queries import EnvironmentView, environment_get
from apps.tenants.rules.names import secret_name_fault

LONGEST_VALUE = 32 * 1024


@transaction.atomic
def secret_set(*, environment: str, name: str, value: str, actor: Actor) -> None:
    """Store a value under a name, replacing an earlier one; raises `Forbidden`, `Invalid`, `NotFound`."""
    policy.require(actor, "secrets.edit")
    _demand_good(name, value)
    place = environment_get(name=environment)
    sealed = crypto.encrypt(
        value.encode(), tenant_id=current_tenant(), table=Secret._meta.db_table, column="ciphertext"
    )
    values = {
        "ciphertext": sealed,
        "key_id": crypto.key_id(sealed),
        "updated_at": now(),
        "updated_by": actor.label,
    }
    Secret.objects.update_or_create(environment_id=place.id, name=name, defaults=values)
    _announce(SECRET_SET, "secret.set", place, name)


@transaction.atomic
def secret_delete(*, environment: str, name: str, actor: Actor) -> None:
    """Delete a value; raises `Forbidden`, `NotFound`."""
    policy.require(actor, "secrets.edit")
    place = environment_get(name=environment)
    deleted, _ = Secret.objects.filter(environment_id=place.id, name=name).delete()
    if not deleted:
        raise NotFound
    _announce(SECRET_DELETED, "secret.delete", place, name)


@transaction.atomic
def secrets_encrypt_again() -> tuple[int, int]:
    """Encrypt the scope's secrets with the newest master key where they are not; their values stay what they are.

    Returns how many were, and how many could not be decrypted.
    """
    done = lost = 0
    tenant, table = current_tenant(), Secret._meta.db_table
    for secret in Secret.objects.exclude(key_id=crypto.newest_id()).select_for_update().order_by("id"):
        try:
            value = crypto.decrypt(bytes(secret.ciphertext), tenant_id=tenant, table=table, column="ciphertext")
        except crypto.Undecipherable:
            lost += 1
            continue
        sealed = crypto.encrypt(value, tenant_id=tenant, table=table, column="ciphertext")
        Secret.objects.filter(id=secret.id).update(ciphertext=sealed, key_id=crypto.key_id(sealed))
        done += 1
    return done, lost


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
