"""`manage.py dev`: one command runs the product, repairs what is killed, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.support.checkout import ROOT
from tests.support.running_product import bare_environment, running_product, still_running
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.spec("SPINE-B2"), pytest.mark.slow]

PARTS = ("postgres", "redis", "web", "worker", "beat")


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """One product for all tests of this file."""
    with running_product(tmp_path_factory.mktemp("weft") / "first", "--quiet") as running:
        yield running


def test_it_prints_where_to_look_and_who_to_sign_in_as(product):
    assert f"running at {product.url}" in product.printed
    for tenant in product.state["demo_tenants"]:
        assert f"/t/{tenant}/" in product.printed
    assert "@" in product.printed


def test_every_part_runs_and_the_product_is_ready(product):
    assert set(PARTS) <= set(product.state["processes"])
    assert product.is_ready()


@pytest.mark.spec("SPINE-1")
def test_the_printed_line_posts_an_order(product):
    url, body = product.order_line()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def test_a_second_start_in_the_same_folder_is_told_who_runs_already(product):
    command = [sys.executable, "manage.py", "dev", "--folder", str(product.folder), "--quiet"]
    second = subprocess.run(command, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, check=False)
    assert second.returncode != 0
    assert f"already running (process {product.process.pid})" in second.stderr


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_reported_and_comes_back(product, part):
    before = product.process_id(part)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: product.process_id(part) not in {0, before}, timeout=60, what=f"a new {part}")
    assert f"{part} ended: killed by SIGKILL" in product.printed
    wait_for(product.is_ready, timeout=60, what="readiness")


def test_a_checkout_beside_it_takes_another_port_and_both_end_without_a_trace(product, tmp_path):
    port = product.url.rpartition(":")[2]
    with running_product(tmp_path / "second", "--port", port) as second:
        assert f"port {port} for web is taken" in second.printed
        assert second.url != product.url
        processes = list(second.state["processes"].values())
        assert {*PARTS, "traffic"} <= set(second.state["processes"])
        assert second.stop() == 0
    assert still_running(processes) == []
    assert second.state == {}
    assert product.is_ready()
