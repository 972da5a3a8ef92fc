"""The order load against a product whose web and worker processes are killed again and again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.database import ROOT, TestDatabase
from tests.support.product import running_product

ORDERS = 1000
KILLS = 20


@pytest.mark.slow
@pytest.mark.spec("SPINE-2", "SPINE-1")
def test_no_order_is_lost_doubled_or_stuck_while_processes_are_killed(tmp_path: Path, database: TestDatabase) -> None:
    with running_product(tmp_path / "product", database) as product:
        done = subprocess.run(
            [
                sys.executable,
                "examples/order_processing/load.py",
                *("--orders", str(ORDERS), "--kills", str(KILLS), "--seed", "7", "--check"),
                *("--state", str(product.state_file)),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        report = json.loads(done.stdout)
        assert report["faults"] == [], product.log[-4000:]
        assert done.returncode == 0
        assert report["notified"] == report["accepted"] == report["final"] > ORDERS / 2
        assert report["lost"] == 0
        assert sum(report["kills"].values()) == KILLS
        assert report["stolen_steps"] > 0
