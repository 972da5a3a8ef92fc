"""What dev keeps between starts is private, whole, and has one owner at a time."""

import os
import stat
import subprocess
import sys

import pytest

from apps.core.management.local.remembered import AlreadyRunning, Lock, Remembered, write_state
from tests.support.checkout import ROOT

pytestmark = pytest.mark.spec("SPINE-B2")

TAKE = """
import sys, pathlib
from apps.core.management.local.remembered import Lock
lock = Lock(pathlib.Path(sys.argv[1])); lock.take(); print("taken", flush=True); sys.stdin.read()
"""


def test_keys_are_made_once(tmp_path):
    remembered = Remembered(tmp_path / "env")
    remembered.write({"A": "1"})
    keys = remembered.keys()
    assert remembered.keys() == keys
    assert Remembered(tmp_path / "env").read() == {"A": "1", **keys}
    assert len(keys["SECRET_KEY"]) > 40


def test_only_the_owner_may_read_it(tmp_path):
    Remembered(tmp_path / "env").write({"A": "1"})
    write_state(tmp_path / "dev.json", {"database_relay_url": "postgresql://..."})
    for name in ("env", "dev.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_second_owner_is_told_who_the_first_is(tmp_path):
    command = [sys.executable, "-c", TAKE, str(tmp_path / "lock")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "taken\n"
        with pytest.raises(AlreadyRunning, match=str(first.pid)):
            Lock(tmp_path / "lock").take()
        first.kill()
        first.wait()
        after = Lock(tmp_path / "lock")
        after.take()
        after.release()


def test_a_released_lock_can_be_taken_again(tmp_path):
    first = Lock(tmp_path / "lock")
    first.take()
    first.release()
    again = Lock(tmp_path / "lock")
    again.take()
    assert (tmp_path / "lock").read_text() == str(os.getpid())
    again.release()
