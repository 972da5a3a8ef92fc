"""Ports are chosen once, remembered, and given up when somebody else has taken them."""

import socket

import pytest

from apps.core.management.local.ports import LOOPBACK, Ports, any_free, is_free, next_free

pytestmark = pytest.mark.spec("SPINE-B2")


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen(1)
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken):
    assert not is_free(taken)


@pytest.mark.spec("SPINE-B2.12")
def test_the_wanted_port_is_used_when_it_is_free():
    wanted = any_free()
    assert next_free(wanted) == wanted


@pytest.mark.spec("SPINE-B2.12")
def test_a_taken_port_gives_another_one_and_says_so(tmp_path, taken):
    said = []
    port = Ports(tmp_path / "ports.json", said.append).choose("web", taken)
    assert port != taken
    assert said == [f"port {taken} for web is taken, using {port}"]


@pytest.mark.spec("SPINE-B2.12")
def test_a_port_is_remembered(tmp_path):
    first = Ports(tmp_path / "ports.json", pytest.fail).choose("redis")
    assert Ports(tmp_path / "ports.json", pytest.fail).choose("redis") == first


@pytest.mark.spec("SPINE-B2.14")
def test_two_checkouts_get_ports_of_their_own(tmp_path, taken):
    ports = [Ports(tmp_path / name / "ports.json", lambda _text: None).choose("web", taken) for name in ("a", "b")]
    assert taken not in ports


def test_a_file_that_was_cut_short_is_forgotten(tmp_path):
    (tmp_path / "ports.json").write_text('{"web": 80')
    assert Ports(tmp_path / "ports.json", pytest.fail).choose("web") > 0
