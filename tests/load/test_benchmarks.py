"""The benchmarks run and what they check besides speed holds; no figure is asserted, machines differ."""

import json
import subprocess
import sys

import pytest

from tests.support.checkout import ROOT
from tests.support.running_product import bare_environment

pytestmark = [pytest.mark.spec("SPINE-6"), pytest.mark.slow]
FIGURE = {"name", "ours", "baseline", "ratio", "target", "met", "details"}


def run(module: str, *options: str) -> tuple[int, list[dict]]:
    """Run one benchmark as a process of its own and return its exit code and the JSON lines it printed."""
    command = [sys.executable, "-m", f"tests.load.{module}", *options]
    done = subprocess.run(
        command, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.spec("SPINE-6.1", "SPINE-6.2", "SPINE-B5.8")
def test_every_answer_of_the_ingress_has_its_row_and_publishing_under_load_disturbs_nobody():
    code, lines = run("bench_ingress", "--seconds", "1", "--rounds", "1", "--publishes", "5")
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


@pytest.mark.spec("SPINE-6.3")
def test_the_engine_is_compared_with_work_done_by_hand_and_with_itself():
    code, figures = run("bench_engine", "--seconds", "0.2", "--rounds", "1")
    assert [set(figure) for figure in figures] == [FIGURE] * 2
    assert code == 0
