"""Two requests with one Idempotency-Key at the same time."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from apps.core import events
from apps.core.scope import SYSTEM, scope
from apps.tenants.events import PROJECT_CREATED
from apps.tenants.models import Project
from tests.support.clients import client_for
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-B7")
Two = tuple[TenantFixture, TenantFixture]
KEY = {"Idempotency-Key": "the-same"}
BODY = {"slug": "slow", "name": "Slow"}


class Slow:
    """Holds the first request in the middle of its transaction."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, **payload: object) -> None:
        self.reached.set()
        assert self.go.wait(8)


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    events.on(PROJECT_CREATED, made)
    yield made
    made.go.set()
    events._handlers[PROJECT_CREATED].remove(made)


@pytest.mark.spec("SPINE-B7.13")
def test_the_second_is_told_to_wait_and_then_gets_the_firsts_answer(two_tenants: Two, slow: Slow) -> None:
    a, b = two_tenants
    answers: list[Any] = []

    def first() -> None:
        answers.append(client_for(a).post("projects", BODY, KEY))
        connections.close_all()

    running = threading.Thread(target=first)
    running.start()
    assert slow.reached.wait(8)
    early = client_for(a).post("projects", BODY, KEY)
    slow.go.set()
    running.join(8)
    late = client_for(a).post("projects", BODY, KEY)
    assert (early.status_code, early.json()["code"], early["Retry-After"]) == (409, "idempotency.running", "1")
    assert (answers[0].status_code, late.status_code) == (201, 201)
    assert late.json() == answers[0].json()
    assert client_for(b).post("projects", BODY, KEY).status_code == 201
    with scope(a.id, SYSTEM):
        assert Project.objects.filter(slug="slow").count() == 1
