"""What deeds leave behind: audit rows, handlers in the transaction, the outbox after it, the bell."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from apps.core import audit, events, jobs, outbox
from apps.core.models import AuditEntry, Outbox
from apps.core.scope import SYSTEM, roll_back, scope
from apps.tenants.queries import audit_list
from tests.support.tenants import TenantFixture
from tests.support.waiting import wait_for

pytestmark = pytest.mark.spec("SPINE-B3")
Two = tuple[TenantFixture, TenantFixture]


@pytest.fixture
def name() -> Iterator[str]:
    made = f"thing.happened-{uuid4().hex[:8]}"
    yield made
    events._handlers.pop(made, None)
    events._listeners.pop(made, None)


def deliver() -> None:
    with psycopg.connect(settings.DATABASE_RELAY_URL) as relay:
        while outbox.deliver(relay, limit=1000) == 1000:  # earlier tests of this database left theirs
            relay.commit()


def left(tenant: TenantFixture, name: str) -> int:
    with scope(tenant.id, SYSTEM):
        return Outbox.objects.filter(name=name).count()


def test_a_handler_runs_inside_the_transaction_and_can_fail_it(two_tenants: Two, name: str) -> None:
    a, _ = two_tenants
    events.on(name, lambda **payload: 1 / 0)
    with pytest.raises(ZeroDivisionError), scope(a.id, SYSTEM):
        events.publish(name, thing_id=uuid4())
    assert left(a, name) == 0


def test_a_listener_hears_after_the_commit_with_the_tenant(two_tenants: Two, name: str) -> None:
    a, _ = two_tenants
    heard: list[tuple[UUID, Any]] = []
    events.after(name, lambda tenant_id, payload: heard.append((tenant_id, payload)))
    thing = uuid4()
    with scope(a.id, SYSTEM):
        events.publish(name, thing_id=thing)
        deliver()
        assert heard == []
    deliver()
    assert heard == [(a.id, {"thing_id": str(thing)})]
    assert left(a, name) == 0


def test_what_cannot_be_delivered_waits_with_its_error(two_tenants: Two, name: str) -> None:
    a, _ = two_tenants
    events.after(name, lambda tenant_id, payload: 1 / 0)
    with scope(a.id, SYSTEM):
        events.publish(name)
    deliver()
    deliver()
    with scope(a.id, SYSTEM):
        row = Outbox.objects.get(name=name)
    assert (row.attempts, "ZeroDivisionError" in row.error) == (1, True)
    assert row.ready_at > row.created_at


@pytest.mark.parametrize("payload", [{"body": {"a": 1}}, {"text": "x" * 301}, {"data": b"x"}])
def test_payloads_are_ids_and_words(two_tenants: Two, name: str, payload: dict[str, Any]) -> None:
    a, _ = two_tenants
    with scope(a.id, SYSTEM), pytest.raises(TypeError):
        events.publish(name, **payload)


def test_notices_are_for_a_few_kinds_only(two_tenants: Two) -> None:
    a, _ = two_tenants
    with scope(a.id, SYSTEM), pytest.raises(ValueError, match="run"):
        events.notify("run", a.id, uuid4())


@pytest.mark.spec("SPINE-B3.11")
def test_an_audit_row_stands_and_falls_with_the_deed(two_tenants: Two) -> None:
    a, _ = two_tenants
    with pytest.raises(ZeroDivisionError), scope(a.id, a.actor):
        audit.record(verb="thing.break", target="thing", details={"part": 1 / 0})
    with scope(a.id, a.actor):
        audit.record(verb="thing.make", target="thing", details={"part": 1})
    with scope(a.id, SYSTEM):
        verbs = [row.verb for row in audit_list().items]
    assert "thing.make" in verbs
    assert "thing.break" not in verbs


@pytest.mark.spec("SPINE-B3.11")
def test_a_refusal_survives_the_rollback(two_tenants: Two) -> None:
    a, _ = two_tenants
    with scope(a.id, a.actor, read_only=True):
        audit.record_refusal(verb="thing.steal", target="thing")
        roll_back()
    audit.record_refusal(verb="thing.burn", target="thing", tenant_id=a.id, actor=a.actor)
    with scope(a.id, SYSTEM):
        noted = {row.verb: row.is_refusal for row in audit_list(limit=2).items}
    assert noted == {"thing.steal": True, "thing.burn": True}


@pytest.mark.spec("SPINE-B3.11")
@pytest.mark.parametrize("deed", [lambda rows: rows.update(verb="x"), lambda rows: rows.delete()])
def test_the_app_can_neither_change_nor_delete_audit_rows(two_tenants: Two, deed: Any) -> None:
    a, _ = two_tenants
    with pytest.raises(DatabaseError, match="permission denied"), scope(a.id, SYSTEM):
        deed(AuditEntry.objects.all())


@pytest.mark.spec("SPINE-B6.1")
def test_the_bell_rings_after_the_commit_and_not_per_ring() -> None:
    sent: list[int] = []
    bell = jobs.Bell(pause_seconds=0.2)
    bell._send = lambda: sent.append(1)
    for _ in range(100):
        bell.ring()
    wait_for(lambda: sent)
    bell.ring()
    bell.ring()
    wait_for(lambda: len(sent) == 2)
    assert len(sent) <= 3


@pytest.mark.spec("SPINE-B6.1")
def test_the_bell_is_heard_in_its_own_process_without_the_broker(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1"
    heard: list[str] = []
    bell = jobs.Bell(pause_seconds=0.01)

    def hearer() -> None:
        heard.append("first")

    bell.hear(hearer)
    bell.hear(lambda: heard.append("second"))
    bell.ring()
    wait_for(lambda: sorted(heard) == ["first", "second"])
    bell.unhear(hearer)
    bell.ring()
    wait_for(lambda: heard[2:] == ["second"])


@pytest.mark.spec("SPINE-B6.11")
def test_the_databases_clock_can_be_moved_for_one_connection(move_clock: Callable[[str], None]) -> None:
    move_clock("-3 days")
    with connection.cursor() as cursor:
        cursor.execute("select date_trunc('minute', clock_timestamp() - weft_now())")
        cursor.execute("select extract(epoch from clock_timestamp() - weft_now())::int / 86400")
        assert cursor.fetchone()[0] in {2, 3}
