"""The benchmark of the ingress runs and what it checks besides speed holds; no figure is asserted, machines differ."""

import pytest

from tests.load.process import FIGURE, run

pytestmark = [pytest.mark.spec("SPINE-6"), pytest.mark.slow]


@pytest.mark.spec("SPINE-6.1", "SPINE-6.2", "SPINE-B5.8")
def test_every_answer_of_the_ingress_has_its_row_and_publishing_under_load_disturbs_nobody():
    code, lines = run("bench_ingress", "--seconds", "1", "--rounds", "1", "--warm-up", "0", "--publishes", "5")
    *figures, publishing = lines
    assert [set(figure) for figure in figures] == [FIGURE] * 3
    assert all(figure["details"]["not_2xx"] == 0 for figure in figures)
    recorded = [figure["details"] for figure in figures if figure["name"].startswith("P1")]
    # wrk drops what is under way at its end: of the load before (stored after the count, perhaps) and of this one.
    under_way = 2 * 32
    assert all(each["answered"] <= each["run_rows"] <= each["answered"] + under_way for each in recorded)
    assert publishing["faults"] == []
    assert publishing["versions_seen"] > 1
    assert code == 0
