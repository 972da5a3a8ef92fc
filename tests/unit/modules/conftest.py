"""What every test of a module type starts from."""

import pytest

from tests.unit.modules.unit_in_memory import MemoryUnit


@pytest.fixture
def unit() -> MemoryUnit:
    """An empty unit of work."""
    return MemoryUnit()
