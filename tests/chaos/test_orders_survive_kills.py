"""The order load against a product whose web and worker processes are killed again and again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.running_product import bare_environment, running_product

ORDERS = 1000
KILLS = 20


@pytest.mark.slow
@pytest.mark.spec("SPINE-2")
def test_no_order_is_lost_doubled_or_stuck_while_processes_are_killed(tmp_path: Path) -> None:
    with running_product(tmp_path / "product", "--quiet") as product:
        load = [
            *(sys.executable, "examples/order_processing/load.py", "--check", "--seed", "7"),
            *("--orders", str(ORDERS), "--kills", str(KILLS)),
            *("--state", str(product.folder.with_suffix(".json"))),
        ]
        done = subprocess.run(
            load, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, timeout=1200, check=False
        )
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        assert report["faults"] == [], product.printed[-4000:]
        assert done.returncode == 0
        assert report["notified"] == report["accepted"] == report["final"] > ORDERS / 2
        assert report["lost"] == 0
        assert sum(report["kills"].values()) == KILLS
        assert report["stolen_steps"] > 0
