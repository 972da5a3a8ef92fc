"""`manage.py dev`: one command runs the product, repairs what is killed, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import urllib.request
from types import SimpleNamespace

import psycopg
import pytest

from apps.core.management.local.ports import is_free
from apps.core.management.local.roles import provision
from tests.support.checkout import ROOT
from tests.support.prepared_product import cold_start, prepared_product
from tests.support.running_product import bare_environment, running_product, still_running
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.spec("SPINE-B2"), pytest.mark.slow]

FIRST_TIME_ONLY = ("migrating the database", "seeding the demo tenants")
NEVER_TWICE = (*FIRST_TIME_ONLY, "building the frontend", "making .venv", "installing", "environment ready")
PARTS = ("preload", "postgres", "redis", "web", "worker", "beat")


@pytest.fixture(scope="module")
def product(hosted):
    """Return the product that other tests use as customers: what it has done since its start changes nothing here."""
    return hosted


@pytest.mark.spec("SPINE-B2.8")
def test_it_prints_where_to_look_and_who_to_sign_in_as(product):
    assert f"running at {product.url}" in product.printed
    for tenant in product.state["demo_tenants"]:
        assert f"/t/{tenant}/" in product.printed
    assert "@" in product.printed


@pytest.fixture
def real_servers():
    """The settings of a Postgres and a Redis that are not the product's own; the database goes with the test."""
    admin_url, name = os.environ["WEFT_TEST_ADMIN_URL"], f"weft_real_{os.getpid()}"
    given = provision(admin_url, name).environment()
    yield {**given, "REDIS_URL": os.environ["WEFT_TEST_REDIS_URL"]}
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)")


@pytest.mark.spec("SPINE-B2.13")
def test_with_the_urls_of_real_servers_it_starts_none_of_its_own(real_servers, tmp_path):
    with running_product(tmp_path / "real", "--quiet", environment=real_servers) as product:
        assert set(PARTS) - set(product.state["processes"]) == {"postgres", "redis"}
        assert product.state["database_url"] == real_servers["DATABASE_URL"]
        url, body = product.order_line()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 201


@pytest.mark.spec("SPINE-B2.6", "SPINE-B2.7")
def test_every_part_runs_and_the_product_is_ready(product):
    assert set(PARTS) <= set(product.state["processes"])
    assert "traffic" not in product.state["processes"]
    assert product.is_ready()


@pytest.mark.spec("SPINE-1", "SPINE-1.2", "SPINE-B2.8")
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


def kill(product, part):
    """Kill a part as nobody else would and return the process that it was."""
    killed = product.process_id(part)
    os.kill(killed, signal.SIGKILL)
    return killed


def assert_comes_back(product, part, killed):
    """It is reported, and another process does its work."""
    wait_for(lambda: product.process_id(part) not in {0, killed}, timeout=60, what=f"a new {part}")
    assert f"{part} ended: killed by SIGKILL" in product.printed
    wait_for(product.is_ready, timeout=60, what="readiness")


@pytest.mark.spec("SPINE-B2.11")
@pytest.mark.parametrize("part", ["postgres", "redis"])
def test_a_killed_server_is_reported_and_comes_back(product, part):
    assert_comes_back(product, part, kill(product, part))


@pytest.mark.spec("SPINE-B2.11")
def test_a_killed_web_is_reported_and_comes_back_and_whoever_comes_meanwhile_waits_and_is_answered(product):
    killed = kill(product, "web")
    wait_for(lambda: not still_running([killed]), timeout=10, what="the end of web")
    assert not is_free(int(product.url.rpartition(":")[2])), "somebody else could take the port"
    with urllib.request.urlopen(f"{product.url}/live", timeout=60) as answer:
        assert answer.status == 200
    assert_comes_back(product, "web", killed)


@pytest.mark.spec("SPINE-B2.11", "SPINE-B6.12")
@pytest.mark.parametrize("part", ["worker", "beat"])
def test_a_killed_part_is_reported_and_comes_back_and_runs_the_sweep_whose_time_has_passed(product, part):
    sample = 'weft_sweep_last_success{sweep="partitions"}'
    wait_for(lambda: product.metric(sample) > 0, timeout=60, what="the first sweep")
    with psycopg.connect(product.state["database_relay_url"]) as relay:
        late = relay.execute(
            "update runs_sweep set last_success = last_success - interval '1 day' where name = 'partitions'"
            " returning extract(epoch from last_success)::float8"
        ).fetchone()[0]
    killed = kill(product, part)
    wait_for(lambda: product.metric(sample) > late + 43_200, timeout=60, what="the late sweep")
    assert_comes_back(product, part, killed)


@pytest.mark.spec("SPINE-B6.6")
def test_the_metrics_of_a_running_product_tell_of_its_runs_and_its_partitions(product):
    assert product.metric("weft_runs_without_owner_or_reason") == 0
    assert product.metric('weft_default_partition_rows{table="runs_run"}') == 0


@pytest.fixture(scope="module")
def cold():
    """Tell of the start from nothing of which `product` is a copy."""
    return cold_start()


@pytest.mark.spec("SPINE-B2.5", "SPINE-B2.10")
def test_the_first_start_makes_everything_and_ends_without_a_trace(cold):
    assert [work for work in FIRST_TIME_ONLY if work not in cold.printed] == []
    assert set(PARTS) <= set(cold.processes)
    assert cold.was_ready
    assert (cold.code, cold.left) == (0, [])


@pytest.mark.spec("SPINE-B2.5", "SPINE-B2.1")
def test_a_warm_start_does_nothing_of_what_the_cold_one_did(cold, product):
    starting, running, _ = product.printed.partition(f"running at {product.url}")
    assert running
    assert [work for work in NEVER_TWICE if work in starting] == []
    assert product.is_ready()


@pytest.fixture(scope="module")
def stopped(product, tmp_path_factory):
    """A second product: started beside the first, which has its port, and stopped again."""
    folder = tmp_path_factory.mktemp("weft") / "second"
    with prepared_product(folder, "--port", product.url.rpartition(":")[2]) as second:
        seen = SimpleNamespace(printed=second.printed, url=second.url, product=second)
        seen.processes = dict(second.state["processes"])
        seen.code = second.stop()
    return seen


@pytest.mark.spec("SPINE-B2.6", "SPINE-B2.10", "SPINE-B2.12", "SPINE-B2.14")
def test_a_checkout_beside_it_takes_another_port_and_both_end_without_a_trace(product, stopped):
    assert f"port {product.url.rpartition(':')[2]} for web is taken" in stopped.printed
    assert stopped.url != product.url
    assert {*PARTS, "traffic"} <= set(stopped.processes)
    assert stopped.code == 0
    assert still_running(list(stopped.processes.values())) == []
    assert stopped.product.state == {}
    assert product.is_ready()
