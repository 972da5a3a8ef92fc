"""The embedded Postgres: starts, keeps what it was given, survives being killed, and dies with its owner."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import psycopg
import pytest

from apps.core.management.local import binaries
from apps.core.management.local.children import is_running, spawn, stop
from apps.core.management.local.ports import any_free
from apps.core.management.local.postgres import FAST_AND_LOOSE, Postgres
from tests.support.checkout import ROOT
from tests.support.waiting import wait_for

pytestmark = pytest.mark.spec("SPINE-B2")

OWN_AND_WAIT = """
import pathlib, subprocess, sys
from apps.core.management.local.children import spawn
from apps.core.management.local.postgres import Postgres
server = Postgres(pathlib.Path(sys.argv[1])); server.prepare()
child = spawn(server.program(int(sys.argv[2])), subprocess.DEVNULL)
while not server.is_ready(child.pid): pass
print(child.pid, flush=True); sys.stdin.read()
"""


@contextmanager
def running(folder, settings=FAST_AND_LOOSE):
    """The cluster in a folder, serving; yields its address and its process."""
    server = Postgres(folder, settings)
    server.prepare()
    port = any_free()
    child = spawn(server.program(port), subprocess.DEVNULL)
    try:
        wait_for(lambda: server.is_ready(child.pid))
        yield server.admin_url(port), child
    finally:
        stop(child, signal.SIGINT, 10)


def ask(url, statement):
    """The first column of the first row."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(statement)
        return found.fetchone()[0] if found.description else None


@pytest.fixture
def folder(tmp_path):
    """A folder that the server's user can reach."""
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    return tmp_path / "postgres"


@pytest.mark.spec("SPINE-B2.3")
def test_it_asks_for_its_password(folder):
    with running(folder) as (url, _child):
        assert ask(url, "select current_user") == "postgres"
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url.replace(":" + url.split(":")[2].split("@")[0], ":wrong"))


@pytest.mark.spec("SPINE-B2.3")
def test_its_own_files_are_closed_to_others(folder):
    with running(folder):
        assert (folder / "superuser").stat().st_mode & 0o077 == 0


@pytest.mark.spec("SPINE-B2.3")
def test_it_is_durable_unless_told_otherwise(folder):
    with running(folder, {}) as (url, _child):
        assert [ask(url, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3


@pytest.mark.spec("SPINE-B2.3", "SPINE-B2.11")
def test_what_was_committed_survives_a_kill(folder):
    with running(folder, {}) as (url, child):
        ask(url, "create table kept (n int)")
        ask(url, "insert into kept values (7)")
        child.kill()
        child.wait()
    with running(folder, {}) as (url, _child):
        assert ask(url, "select n from kept") == 7


@pytest.mark.spec("SPINE-B2.3", "SPINE-B2.11")
def test_it_dies_with_its_owner_and_the_next_owner_finds_it_whole(folder):
    command = [sys.executable, "-c", OWN_AND_WAIT, str(folder), str(any_free())]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        server = int(owner.stdout.readline())
        owner.kill()
    wait_for(lambda: not is_running(server), timeout=10)
    with running(folder) as (url, _child):
        assert ask(url, "select 1") == 1


@pytest.mark.spec("SPINE-B2.11")
def test_a_server_that_lost_its_owner_is_ended_before_a_new_one_starts(folder):
    with running(folder) as (_url, first):
        Postgres(folder).prepare()
        assert first.wait(10) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hide from Postgres")
def test_where_nobody_else_can_reach_the_checkout_it_still_runs(folder):
    folder.parent.chmod(0o700)
    with running(folder) as (url, _child):
        assert ask(url, "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hide from Postgres")
def test_without_user_namespaces_it_runs_from_a_copy_that_everybody_can_reach(folder, tmp_path_factory, monkeypatch):
    shared = tmp_path_factory.mktemp("shared")
    for path in (shared, *shared.parents[:2]):
        path.chmod(0o755)
    monkeypatch.setattr(binaries, "SHARED", shared)
    monkeypatch.setattr(binaries, "NAMESPACE", ("false",))
    hidden = folder.parent / "hidden"
    hidden.mkdir(mode=0o700)
    with running(hidden / "postgres") as (url, _child):
        assert ask(url, "select 1") == 1
    assert list(shared.glob("weft-*/data/pgdata/PG_VERSION"))
