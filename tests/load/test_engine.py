"""The benchmark of the engine runs; no figure is asserted, machines differ."""

import pytest

from tests.load.process import FIGURE, run

pytestmark = pytest.mark.spec("SPINE-6")


@pytest.mark.spec("SPINE-6.3")
def test_the_engine_is_compared_with_work_done_by_hand_and_with_itself():
    code, figures = run("bench_engine", "--seconds", "0.2", "--rounds", "1", "--modules", "1000")
    assert [set(figure) for figure in figures] == [FIGURE] * 2
    assert code == 0
