"""Before it kills, the order load looks for a step that a live worker holds."""

import json
import os
import socket
import subprocess

import psycopg
import pytest
from django.conf import settings

from apps.engine.ids import uuid7
from examples.order_processing.load_test.product import Product

pytestmark = pytest.mark.spec("SPINE-2.2")


@pytest.fixture
def leased(database, two_tenants):
    """A work row of one tenant whose lease is not over; returns a way to say which process its owner was."""
    tenant, _ = two_tenants
    owner = uuid7()
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute(
            "insert into runs_work (id, tenant_id, run_id, shard, ready_at, owner, epoch, lease_until)"
            " values (%s, %s, %s, 0, now() + interval '30 s', %s, 1, now() + interval '30 s')",
            [uuid7(), tenant.id, uuid7(), owner],
        )

        def by(pid):
            admin.execute(
                "insert into runs_worker (id, host, pid, started_at, seen_at) values (%s, %s, %s, now(), now())",
                [owner, socket.gethostname(), pid],
            )

        yield by
        admin.execute("delete from runs_work where owner = %s", [owner])
        admin.execute("delete from runs_worker where id = %s", [owner])


@pytest.fixture
def product(database, two_tenants, tmp_path):
    """The load's view of a product whose worker is the given process."""

    def with_worker(pid):
        state = {
            "base_url": "http://localhost:1",
            "demo_tenants": [tenant.slug for tenant in two_tenants],
            "deliveries_file": str(tmp_path / "none"),
            "database_url": database.url("app"),
            "encryption_keys": settings.ENCRYPTION_KEYS,
            "database_relay_url": database.url("relay"),
            "processes": {"worker": pid},
        }
        (tmp_path / "dev.json").write_text(json.dumps(state))
        return Product(tmp_path / "dev.json")

    return with_worker


@pytest.fixture
def dead():
    """The id of a process that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


def test_a_lease_of_the_live_worker_counts(leased, product):
    leased(os.getpid())
    assert product(os.getpid()).claimed_steps() == 1


def test_a_lease_that_outlives_its_worker_does_not(leased, product, dead):
    leased(dead)
    assert product(os.getpid()).claimed_steps() == 0
    assert product(dead).claimed_steps() == 0


def test_while_the_worker_is_being_brought_back_nothing_is_claimed(leased, product):
    leased(os.getpid())
    assert product(None).claimed_steps() == 0
