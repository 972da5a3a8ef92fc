"""Integration tests always have the database."""

import pytest

from tests.support.database import TestDatabase


@pytest.fixture(autouse=True)
def _database(database: TestDatabase) -> None:
    """Open the database to every test of this folder."""
