"""`manage.py test` brings its own servers, counts honestly, and closes with one line."""

import os
import subprocess
import sys

import pytest

from tests.support.checkout import ROOT

pytestmark = [pytest.mark.spec("SPINE-B2", "SPINE-8"), pytest.mark.slow]

PLANTED = """
import os, psycopg, pytest, redis

def test_the_servers_are_there():
    with psycopg.connect(os.environ["WEFT_TEST_ADMIN_URL"]) as database:
        assert database.execute("show fsync").fetchone() == ("off",)
    with redis.Redis.from_url(os.environ["WEFT_TEST_REDIS_URL"]) as server:
        assert server.ping()

@pytest.mark.skip(reason="no moon tonight")
def test_that_needs_a_moon(): ...
"""
FAILING = "def test_that_two_is_one(): assert 2 == 1"


ABSENT = """
import pytest

@pytest.mark.proven("messaging.planted", "planted-server")
@pytest.mark.skip(reason="planted-server is not on this machine")
def test_against_the_server(): ...
"""
WITHOUT_SERVER = "planted-server for messaging.planted (Skipped: planted-server is not on this machine)"

SERVERS = ("WEFT_TEST_ADMIN_URL", "WEFT_TEST_REDIS_URL")
BARE = "--ds=tests.support.bare_settings"  # but for one run, which is as somebody types it


def manage_test(*arguments, given=SERVERS, **changes):
    """Run the command as CI would, with our servers unless none are given; returns its exit code and its lines."""
    left = {name: value for name, value in os.environ.items() if name in given or not name.startswith("WEFT_")}
    done = subprocess.run(
        [sys.executable, "manage.py", "test", *arguments],
        cwd=ROOT, env={**left, "CI": "", **changes}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A test that passes and one that is skipped, and one that is skipped for want of its counterpart."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in {"test_planted.py": PLANTED, "test_absent.py": ABSENT}.items():
        (folder / name).write_text(text)
    return str(folder / "test_planted.py"), str(folder / "test_absent.py")


@pytest.fixture(scope="module")
def planted(files):
    """A test file that passes once and skips once."""
    return files[0]


@pytest.fixture(scope="module")
def by_hand(files):
    """All of them as somebody runs them who has no servers; exit code and lines."""
    return manage_test(*files, "-q", given=())


@pytest.fixture(scope="module")
def in_ci(files):
    """All of them as CI runs them; exit code and lines."""
    return manage_test(*files, "-q", BARE, CI="true")


@pytest.mark.spec("SPINE-B2.17", "SPINE-B2.18", "SPINE-3.5")
def test_chosen_tests_run_with_servers_of_their_own_and_one_closing_line(by_hand):
    code, lines = by_hand
    assert lines[-1].startswith("1 passed, 0 failed, 2 skipped")
    assert code == 0
    assert any("1: Skipped: no moon tonight" in line for line in lines)
    assert any("WEFT_COMPAT_DIR is not set" in line for line in lines)


@pytest.mark.spec("SPINE-8.3")
def test_in_ci_a_skip_that_nobody_wrote_down_is_a_failure(in_ci):
    code, lines = in_ci
    assert lines[-1].startswith("1 passed, 2 failed, 0 skipped")
    refused = [line for line in lines if line.startswith("  FAILED: skipped: ")]
    assert len([line for line in refused if "test_that_needs_a_moon: Skipped: no moon tonight" in line]) == 1
    assert code == 1


@pytest.mark.spec("CAT-B1.2")
def test_a_counterpart_that_did_not_run_is_in_the_closing_line(by_hand):
    code, lines = by_hand
    assert lines[-1].endswith(f"skipped; 1 counterpart did not run: {WITHOUT_SERVER}")
    assert not [line for line in lines if "FAILED: did not run" in line]
    assert code == 0


@pytest.mark.spec("CAT-B1.2")
def test_a_counterpart_that_did_not_run_fails_in_ci(in_ci):
    code, lines = in_ci
    assert lines[-1].endswith(f"skipped; 1 counterpart did not run: {WITHOUT_SERVER}")
    assert f"  FAILED: did not run: {WITHOUT_SERVER}" in lines
    assert code == 1


@pytest.mark.spec("SPINE-B2.18")
def test_a_failing_test_fails_the_command(tmp_path):
    path = tmp_path / "test_failing.py"
    path.write_text(FAILING)
    code, lines = manage_test(str(path), "-q", BARE)
    assert (code, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


@pytest.mark.spec("SPINE-B2.18")
def test_a_run_without_any_test_is_not_a_success(planted):
    code, lines = manage_test(planted, "-q", BARE, "-k", "nothing_of_that_name")
    assert (code, lines[-1]) == (1, "0 passed, 0 failed, 0 skipped")


@pytest.mark.spec("SPINE-B1.11")
def test_the_table_of_numbered_lines_fails_while_one_has_no_passing_test(planted):
    code, lines = manage_test(planted, "-q", BARE, "--spec")
    assert any(line.startswith("SPINE-1 ") and "NO TEST" in line for line in lines)
    assert (code, lines[-1]) == (1, "1 passed, 0 failed, 1 skipped")
