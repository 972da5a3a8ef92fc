import pytest

from apps.modules.catalog.integration.integration_registry import IntegrationRegistry
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("integration.registry")


def test_it_stands_for_the_section_and_does_nothing_by_itself():
    registry = make(IntegrationRegistry, name="hub")
    assert (registry.name, registry.mounts(), registry.problems()) == ("hub", [], [])
    assert IntegrationRegistry.Config.ignored_keys == {"description"}
