import pytest

from apps.modules.catalog.statemachine.state_connector import StateConnector
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "state.connector")


def test_a_connector_has_no_settings():
    assert make(StateConnector).problems() == []
    assert StateConnector.Config.ignored_keys == {"description"}
