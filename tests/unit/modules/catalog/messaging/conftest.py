"""Real connections to brokers outside."""

import pytest

from apps.engine.local.wiring import LiveWires


@pytest.fixture
async def wires():
    """Let every address be reached."""
    opened = LiveWires(lambda host, port, address: True)
    yield opened
    await opened.close()
