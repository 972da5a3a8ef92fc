"""Earlier values of a secret can be named by their number, and are recognised for as long as rows may hold them."""

import psycopg
import pytest

from apps.core.errors import NotFound
from apps.core.scope import SYSTEM, scope
from apps.runs.operations.sweeps import sweep_run
from apps.tenants.models import SecretVersion
from apps.tenants.operations.secrets import MOST_VERSIONS, USABLE_VERSIONS, secret_delete, secret_set
from apps.tenants.queries import (
    environment_get,
    secret_list,
    secret_references,
    secret_value,
    secret_values_known,
    secrets_version,
)
from tests.support.clients import client_for

pytestmark = pytest.mark.spec("CAT-B2")


def put(tenant, *values, name="TOKEN"):
    for value in values:
        with scope(tenant.id, SYSTEM):
            secret_set(environment="prod", name=name, value=value, actor=SYSTEM)


def delete(tenant, name="TOKEN"):
    with scope(tenant.id, SYSTEM):
        secret_delete(environment="prod", name=name, actor=SYSTEM)


def asked(tenant, query, **given):
    with scope(tenant.id, SYSTEM, read_only=True):
        return query(environment_id=environment_get(name="prod").id, **given)


def test_each_value_of_a_secret_has_a_number_and_the_latest_needs_none(two_tenants):
    tenant, other = two_tenants
    put(tenant, "first", "second", "third")
    put(other, "theirs")
    values = [asked(tenant, secret_value, reference=f"TOKEN{number}") for number in ("", "#1", "#2", "#3", "#4")]
    assert values == ["third", "first", "second", "third", None]
    assert asked(other, secret_value, reference="TOKEN#2") is None
    assert asked(tenant, secret_references) == {"TOKEN", "TOKEN#1", "TOKEN#2", "TOKEN#3"}
    assert [row["version"] for row in asked(tenant, secret_list)] == [3]


def test_the_ten_newest_can_be_used_and_older_ones_are_only_recognised(two_tenants):
    tenant, _ = two_tenants
    values = [f"value-{number}" for number in range(1, 13)]
    put(tenant, *values)
    usable = {f"TOKEN#{number}" for number in range(13 - USABLE_VERSIONS, 13)}
    assert asked(tenant, secret_references) == usable | {"TOKEN"}
    assert asked(tenant, secret_value, reference="TOKEN#2") is None
    assert asked(tenant, secret_values_known) == set(values)


def test_no_more_than_a_bounded_number_of_values_is_kept(two_tenants):
    tenant, _ = two_tenants
    put(tenant, *(f"value-{number}" for number in range(MOST_VERSIONS + 5)))
    assert len(asked(tenant, secret_values_known)) == MOST_VERSIONS


def test_a_deleted_secret_can_be_used_no_more_and_is_still_recognised(two_tenants):
    tenant, _ = two_tenants
    put(tenant, "first", "second")
    delete(tenant)
    assert asked(tenant, secret_references) == frozenset()
    assert [asked(tenant, secret_value, reference=each) for each in ("TOKEN", "TOKEN#1", "TOKEN#2")] == [None] * 3
    assert asked(tenant, secret_values_known) == {"first", "second"}
    with pytest.raises(NotFound):
        delete(tenant)
    put(tenant, "third")
    assert asked(tenant, secret_references) == {"TOKEN", "TOKEN#3"}


def test_a_sweep_forgets_what_no_row_can_hold_any_more(database, two_tenants):
    tenant, _ = two_tenants
    put(tenant, "long gone", name="OLD")
    delete(tenant, "OLD")
    put(tenant, "just gone", "present")
    delete(tenant)
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("update tenants_secret_version set retired_at = retired_at - interval '32 days' "
                           "where name = 'OLD' and tenant_id = %s", [tenant.id])  # fmt: skip
    sweep_run("expired")
    assert asked(tenant, secret_values_known) == {"just gone", "present"}


def test_every_change_moves_the_number_by_which_processes_keep_values(two_tenants):
    tenant, _ = two_tenants
    before = asked(tenant, secrets_version)
    put(tenant, "first", "second")
    delete(tenant)
    assert asked(tenant, secrets_version) == before + 3


def test_the_api_tells_the_number_of_the_present_version_and_no_value(two_tenants):
    tenant, _ = two_tenants
    client = client_for(tenant)
    for value in ("first-value", "second-value"):
        assert client.put("environments/prod/secrets/TOKEN", {"value": value}).status_code == 204
    reply = client.get("environments/prod/secrets")
    assert [(row["name"], row["version"]) for row in reply.json()["items"]] == [("TOKEN", 2)]
    assert b"-value" not in reply.content


def test_earlier_values_are_sealed_as_the_present_one(database, two_tenants):
    tenant, _ = two_tenants
    put(tenant, "first-value", "second-value")
    with scope(tenant.id, SYSTEM, read_only=True):
        (kept,) = SecretVersion.objects.all()
        assert b"first-value" not in bytes(kept.ciphertext)
        assert kept.key_id
