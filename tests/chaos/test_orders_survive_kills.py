"""The order load against a product whose web and worker processes are killed again and again."""

import json
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from examples.order_processing.load_test.orders import Order
from examples.order_processing.load_test.product import Product
from examples.order_processing.load_test.report import Load, build_report
from examples.order_processing.load_test.sender import Client, send_all
from tests.support.checkout import ROOT
from tests.support.prepared_product import prepared_product
from tests.support.running_product import RunningProduct, bare_environment

pytestmark = pytest.mark.slow

ORDERS = 1000
KILLS = 20
DOUBLED = 20


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """One product for both loads: each knows its own orders."""
    with prepared_product(tmp_path_factory.mktemp("weft") / "product", "--quiet") as running:
        yield running


class Forgetful(Client):
    """Loses the first answer to every order and sends it again under another key."""

    def once(self, order: Order) -> tuple[int, bytes]:
        """Send twice."""
        super().once(order)
        return super().once(replace(order, key=uuid.uuid4().hex))


@pytest.mark.spec("SPINE-2.3", "SPINE-2.7")
def test_a_sender_that_forgets_its_keys_is_found_out(product: RunningProduct) -> None:
    seen = Product(product.folder.with_suffix(".json"))
    load = Load(seen, DOUBLED, random.Random(5))
    replies = send_all(seen, load.orders, 4, on_progress=lambda _: None, client=Forgetful)
    report = build_report(load, replies, settle_seconds=60)
    assert report.lost == 0
    assert {fault.partition(":")[0] for fault in report.faults} >= {
        *("orders", "instances", "acceptances", "notifications", "deliveries"),
    }


@pytest.mark.spec("SPINE-2.1", "SPINE-2.2", "SPINE-2.3", "SPINE-2.4", "SPINE-2.5", "SPINE-2.6", "SPINE-2.7")
def test_no_order_is_lost_doubled_or_stuck_while_processes_are_killed(product: RunningProduct) -> None:
    load = [
        *(sys.executable, "examples/order_processing/load.py", "--check", "--seed", "7"),
        *("--orders", str(ORDERS), "--kills", str(KILLS)),
        *("--state", str(product.folder.with_suffix(".json"))),
    ]
    done = subprocess.run(
        load, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == [], product.printed[-4000:]
    assert done.returncode == 0
    assert report["notified"] == report["accepted"] == report["final"] > ORDERS / 2
    assert report["lost"] == 0
    assert sum(report["kills"].values()) == KILLS
    assert report["stolen_steps"] > 0
