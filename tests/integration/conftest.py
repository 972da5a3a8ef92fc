"""Integration tests always have the database."""

from collections.abc import Iterator

import pytest

from apps.core.changes import ChangeListener, listener
from tests.support.database import TestDatabase
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def _database(database: TestDatabase) -> None:
    """Open the database to every test of this folder."""


@pytest.fixture
def product_listener(database: TestDatabase) -> Iterator[ChangeListener]:
    """Let caches keep what they have loaded, as in a process that serves."""
    listener.start()
    wait_for(listener.is_alive)
    yield listener
    listener.stop()
