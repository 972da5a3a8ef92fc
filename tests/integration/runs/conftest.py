"""Fixtures of the run path: an ingress and a worker in the test's own loop."""

import pytest

from apps.core.changes import listener
from tests.support.serving import serving, working


@pytest.fixture
async def ingress(database):
    """Open an ingress."""
    async with serving() as opened:
        yield opened


@pytest.fixture
async def worker(database):
    """Run a worker."""
    async with working() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _listening():
    """End the listener's thread with the tests."""
    yield
    listener.stop()
