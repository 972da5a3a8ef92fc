import pytest

from apps.modules.catalog.statemachine.statemachine_engine import StatemachineEngine
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "statemachine.engine")


def test_the_section_holds_the_definitions_so_the_engine_has_no_settings():
    assert make(StatemachineEngine).problems() == []
    assert {"initialState", "initial_state"} <= StatemachineEngine.Config.ignored_keys
