"""The embedded Redis answers to its password and keeps nothing."""

import signal
import subprocess

import pytest
import redis

from apps.core.management.local.binaries import NoBinaries
from apps.core.management.local.children import spawn, stop
from apps.core.management.local.ports import any_free
from apps.core.management.local.redis import MISSING, Redis, find_server
from tests.support.waiting import wait_for

pytestmark = pytest.mark.spec("SPINE-B2")


@pytest.fixture
def server(tmp_path):
    """A running server and its port."""
    found = Redis(tmp_path / "redis", pytest.fail)
    port = any_free()
    child = spawn(found.program(port), subprocess.DEVNULL)
    wait_for(lambda: found.is_ready(port))
    yield found, port
    stop(child, signal.SIGTERM, 10)


@pytest.mark.spec("SPINE-B2.4")
def test_it_answers_to_its_password_only(server):
    found, port = server
    with redis.Redis.from_url(found.url(port)) as client:
        assert client.ping()
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


@pytest.mark.spec("SPINE-B2.4")
def test_its_password_is_not_on_its_command_line(server):
    found, port = server
    command = [str(part) for part in found.program(port).command]
    assert not any(found.password in part for part in command)


@pytest.mark.spec("SPINE-B2.4")
def test_a_machine_without_redis_is_told_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(NoBinaries, match=MISSING[:8]):
        find_server(pytest.fail, may_install=False)
